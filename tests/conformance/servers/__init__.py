"""Servers that are broken in just one way each, and the right one they are made from."""
