"""Fixtures of the echo agent."""

import pytest


@pytest.fixture
def long_message() -> str:
    """Return a message whose answer is long enough to be stopped."""
    return "word " * 200
