"""What the backend needs to run, started for the tests."""

from tests.services import agent, auth, store

__all__ = ["agent", "auth", "store"]
