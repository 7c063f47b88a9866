"""What the rest of the backend relies on in its store."""
