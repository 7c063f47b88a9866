"""Creates ChatKit backends, and checks any ChatKit backend."""

__version__ = "0.4.0"
