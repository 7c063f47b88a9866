"""Tests of `chatkit_scaffold.update`."""
