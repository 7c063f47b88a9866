"""Backends that are broken in several ways, and what their authors did about each report."""
