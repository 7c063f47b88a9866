"""A correct server, faults that break it in exactly one way each, and other backends."""
