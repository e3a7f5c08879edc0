"""Live: the control plane's listing as a snapshot."""
