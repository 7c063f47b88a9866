"""Fixtures of the agent."""

from collections.abc import Iterator

import pytest

from tests.backend import Backend
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


@pytest.fixture
def titled_thread(backend: Backend, model: Model) -> str:
    """Return the id of a thread of alice's with a title: the model's next reply is an answer.

    The first turn of a thread without a title asks the model for one, with a request that may
    arrive before the one for the answer.
    """
    thread_id = backend.client().create_thread("Hi").thread_id
    model.reset()
    return thread_id
