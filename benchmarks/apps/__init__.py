"""The servers that benchmarks start: the references, and the agent that all of them share."""

DELTAS = 20
"""Deltas of an answer."""
