"""Tests of what an update does, with real repositories."""
