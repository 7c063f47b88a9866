"""Tests of `chatkit_scaffold.cli`."""
