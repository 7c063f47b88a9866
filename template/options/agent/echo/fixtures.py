"""Fixtures of the echo agent."""

import pytest


@pytest.fixture(scope="session")
def agent_env() -> dict[str, str]:
    """Environment of the agent: quick, but slow enough to be stopped."""
    return {"ECHO_DELAY": "0.005"}


@pytest.fixture
def long_message() -> str:
    """Return a message whose answer is long enough to be stopped."""
    return "word " * 200
