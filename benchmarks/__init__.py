"""Measures generated backends from outside, beside what they are compared with."""
