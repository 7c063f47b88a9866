"""An MCP server that is not the backend's own, with sessions, which shows what it was sent."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from mcp.server.fastmcp import FastMCP
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Seen:
    """A request.

    Attributes:
        method: What it asks for, such as `tools/call`; HTTP's method if it has no body.
        authorization: The header that proves the user.
    """

    method: str
    authorization: str | None


class Outside:
    """Runs in a thread of the tests, on a port that it keeps when it is started again."""

    def __init__(self) -> None:
        self.requests: list[Seen] = []
        self.held = threading.Event()
        """Set as soon as the tool `hold` is called."""
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://{LOOPBACK}:{self._port}/mcp"

    def count(self, method: str) -> int:
        """Return how often something was asked for."""
        return [seen.method for seen in self.requests].count(method)

    def start(self) -> None:
        """Begin to answer; sessions from before are unknown."""
        listening = socket.create_server((LOOPBACK, self._port))
        self._port = listening.getsockname()[1]
        app = Recorded(self._server().streamable_http_app(), self.requests)
        self._running = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
        self._thread = threading.Thread(target=self._running.run, args=([listening],))
        self._thread.start()

    def stop(self) -> None:
        """Stop, and close all connections at once."""
        self._running.should_exit = self._running.force_exit = True
        self._thread.join()

    def _server(self) -> FastMCP:
        # The client does not notice that a connection breaks in the middle of an event stream.
        server = FastMCP("outside", json_response=True)

        @server.tool()
        async def look_up(word: str) -> str:
            """Look up what a word means."""
            return f"{word}: see there"

        @server.tool()
        async def hold() -> None:
            """Return nothing, ever."""
            self.held.set()
            await asyncio.Event().wait()

        return server


class Recorded:
    """Remembers the requests to an application."""

    def __init__(self, app: ASGIApp, requests: list[Seen]) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        body = b""

        async def read() -> Message:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            if message["type"] == "http.request" and not message.get("more_body"):
                self._note(scope, body)
            return message

        await self._app(scope, read, send)

    def _note(self, scope: Scope, body: bytes) -> None:
        method: str = json.loads(body).get("method", "") if body else scope["method"]
        self._requests.append(Seen(method, Headers(scope=scope).get("authorization")))


@contextmanager
def outside_server() -> Iterator[Outside]:
    """Run such a server."""
    server = Outside()
    try:
        yield server
    finally:
        server.stop()
