"""Fixtures of the agent."""

from collections.abc import Iterator

import pytest

from tests.services.agent import Model


@pytest.fixture
def model(agent_service: Model) -> Iterator[Model]:
    """The model's server, without what other tests asked of it."""
    yield agent_service.reset()
    agent_service.reset()


@pytest.fixture
def long_message(model: Model) -> str:
    """Return a message whose answer is long enough to be stopped."""
    text = "word " * 200
    model.reply(text, times=None)
    return text
