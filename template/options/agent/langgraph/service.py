"""A model for tests that is reached over HTTP, as the real one is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llmock.pytest_plugin import LLMock
from llmock.testing import LLMockServer

CHUNK_DELAY_MS = 5
"""Between two pieces of an answer: quick, but slow enough to be stopped."""


class Model(LLMock):
    """Scripts the model's answers and shows its requests."""

    def __call__(self) -> dict[str, str]:
        """Return the environment in which the agent asks this model."""
        return {"OPENAI_API_KEY": "sk-local", "OPENAI_BASE_URL": self.base_url("openai")}

    def reset(self) -> "Model":
        """Forget requests and scripted answers."""
        super().reset().pace(CHUNK_DELAY_MS).tool_mode("off")
        return self


@contextmanager
def running(folder: Path) -> Iterator[Model]:
    """Serve the API of a model."""
    with LLMockServer() as server:
        yield Model(server).reset()
