"""Tests of `chatkit_scaffold.protocol`."""
