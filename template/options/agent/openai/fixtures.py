"""Fixtures of the agent: a model that is reached over HTTP, as the real one is."""

from collections.abc import Iterator

import pytest
from llmock.pytest_plugin import LLMock
from llmock.testing import LLMockServer

from tests.backend import Backend

CHUNK_DELAY_MS = 5
"""Between two pieces of an answer: quick, but slow enough to be stopped."""


@pytest.fixture(scope="session")
def agent_env(llmock_server: LLMockServer) -> dict[str, str]:
    """Environment of the agent: a local server that speaks the Responses API."""
    LLMock(llmock_server).pace(CHUNK_DELAY_MS)
    return {"OPENAI_API_KEY": "sk-local", "OPENAI_BASE_URL": llmock_server.base_url("openai")}


@pytest.fixture
def model(llmock_server: LLMockServer) -> Iterator[LLMock]:
    """The model's server, without what other tests asked of it."""
    llmock = LLMock(llmock_server)
    yield llmock.reset().pace(CHUNK_DELAY_MS)
    llmock.reset().pace(CHUNK_DELAY_MS)


@pytest.fixture
def long_message(model: LLMock) -> str:
    """Return a message whose answer is long enough to be stopped."""
    text = "word " * 200
    model.reply(text, times=None)
    return text


@pytest.fixture
def titled_thread(backend: Backend, model: LLMock) -> str:
    """Return the id of a thread of alice's with a title: the model's next reply is an answer.

    The first turn of a thread without a title asks the model for one, with a request that may
    arrive before the one for the answer.
    """
    thread_id = backend.client().create_thread("Hi").thread_id
    model.reset().pace(CHUNK_DELAY_MS)
    return thread_id
