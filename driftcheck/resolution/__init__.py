"""Plans that bring live back to the declarations; nothing here sends a request."""
