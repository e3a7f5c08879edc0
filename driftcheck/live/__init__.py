"""What is there: the control plane's listing as a snapshot."""
