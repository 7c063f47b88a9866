"""Tests of `chatkit_scaffold.conformance`."""
