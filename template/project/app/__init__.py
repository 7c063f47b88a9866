"""A ChatKit backend."""
