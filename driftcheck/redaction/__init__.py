"""What is shown, hidden and counted."""
