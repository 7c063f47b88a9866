"""Tests of `chatkit_scaffold.generator`."""
