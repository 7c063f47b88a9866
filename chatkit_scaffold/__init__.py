"""Makes ChatKit backends, and tells what is wrong with any other."""

__version__ = "0.1.0"
