"""What brings live back to what is declared; nothing here sends a request."""
