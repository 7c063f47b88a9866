"""A model for tests that is reached over HTTP, as the real one is."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llmock.pytest_plugin import LLMock
from llmock.testing import LLMockServer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CHUNK_DELAY_MS = 5
"""Between two pieces of an answer: quick, but slow enough to be stopped."""


class Model(LLMock):
    """Scripts the model's answers and shows its requests."""

    end: dict[str, Any] | None = None
    """The response with which all streams end, or None: as the model has completed it."""

    def __call__(self) -> dict[str, str]:
        """Return the environment in which the agent asks this model."""
        return {"OPENAI_API_KEY": "sk-local", "OPENAI_BASE_URL": self.base_url("openai")}

    def reset(self) -> "Model":
        """Forget requests and scripted answers."""
        # Left to itself, the model would call a tool that is offered.
        super().reset().pace(CHUNK_DELAY_MS).tool_mode("off")
        self.end = None
        return self

    def end_with(self, status: str, **fields: Any) -> None:
        """End all streams with the event `response.failed` or `response.incomplete`.

        Args:
            status: `failed` or `incomplete`.
            fields: The rest of the event's response, such as its `error`.
        """
        self.end = {"status": status, **fields}


class Ends:
    """Changes how streams end; the model's server has no such fault."""

    def __init__(self, app: ASGIApp, model: Model) -> None:
        self.app = app
        self._model = model

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def change(message: Message) -> None:
            body = message.get("body", b"")
            if self._model.end is not None and body.startswith(b"event: response.completed"):
                message["body"] = _ended(body, self._model.end)
            await send(message)

        await self.app(scope, receive, change)


def _ended(event: bytes, end: dict[str, Any]) -> bytes:
    """Return the last event of a stream with another end."""
    kind = f"response.{end['status']}"
    data = json.loads(event.partition(b"data: ")[2])
    data |= {"type": kind, "response": data["response"] | end}
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


@contextmanager
def running(folder: Path) -> Iterator[Model]:
    """Serve the model."""
    server = LLMockServer()
    model = Model(server)
    server.app.add_middleware(Ends, model=model)
    with server:
        yield model.reset()
