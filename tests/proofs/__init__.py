"""Proofs that generated backends keep what they acknowledge, against real processes."""
