"""A keep-alive HTTP connection that costs little, and notices every response that is cut off."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

import httptools

from benchmarks.apps import DELTAS

DELTA = b'"assistant_message.content_part.text_delta"'
"""The type of the events that carry an answer's words."""
_DONE = b'data: {"type":"thread.item.done"'
_ERROR = b'data: {"type":"error"'

Receive = Callable[[bytes], None]


class BadResponseError(Exception):
    """A response is incomplete or reports an error; a benchmark ends with it."""


class Connection(asyncio.Protocol):
    """One connection, which carries one request at a time.

    Args:
        url: The ChatKit endpoint.
    """

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._response: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._response.set_result(b"")  # no request waits
        self._receive: Receive | None = None

    @classmethod
    async def open(cls, url: str) -> "Connection":
        """Connect to the server of *url*."""
        address = urlsplit(url)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: cls(url), str(address.hostname), address.port or 80
        )
        return connection

    async def post(self, body: bytes, receive: Receive | None = None) -> bytes:
        """Send a request and return the body of its response.

        Args:
            body: A ChatKit request.
            receive: Is called with each part of the response's body as it arrives.

        Raises:
            BadResponseError: The response ends early or its status is not 200.
        """
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._receive = receive
        self._response = asyncio.get_running_loop().create_future()
        head = (
            f"POST {self._url.path} HTTP/1.1\r\nHost: {self._url.netloc}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._transport.write(head.encode() + body)
        return await self._response

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse a part of the response."""
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the request that waits for its response."""
        if not self._response.done():
            count = len(self._body)
            self._response.set_exception(
                BadResponseError(f"The response ends after {count} bytes: {exc or 'closed'}")
            )

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body; the parser calls this."""
        self._body += body
        if self._receive:
            self._receive(body)

    def on_message_complete(self) -> None:
        """Hand over the response; the parser calls this."""
        if (status := self._parser.get_status_code()) == 200:  # noqa: PLR2004
            self._response.set_result(bytes(self._body))
        else:
            text = self._body[:200].decode(errors="replace")
            self._response.set_exception(BadResponseError(f"The status is {status}: {text}"))


def require_turn(body: bytes) -> None:
    """Check that *body* is the whole answer to a message.

    Raises:
        BadResponseError: It lacks deltas or its end, or reports an error.
    """
    deltas = body.count(DELTA)
    # The user's message, and the answer.
    done = body.count(_DONE)
    if deltas != DELTAS or done != 2 or _ERROR in body:  # noqa: PLR2004
        end = body[-200:].decode(errors="replace")
        raise BadResponseError(
            f"A turn has {deltas} deltas and {done} items, and ends with {end!r}"
        )


def thread_of(body: bytes) -> str:
    """Return the id of the thread that a response to `threads.create` begins with."""
    event = json.loads(body.split(b"\n\n", 1)[0].removeprefix(b"data: "))
    return str(event["thread"]["id"])


def create_request() -> bytes:
    """Return the request that creates a thread with a message."""
    return _encode("threads.create", {"input": _MESSAGE})


def add_request(thread: str) -> bytes:
    """Return the request that sends a message in a thread."""
    return _encode("threads.add_user_message", {"thread_id": thread, "input": _MESSAGE})


def items_request(thread: str, after: str | None, order: str) -> bytes:
    """Return the request for a page of twenty items."""
    return _encode("items.list", {"thread_id": thread, "after": after, "limit": 20, "order": order})


def threads_request(limit: int) -> bytes:
    """Return the request for the newest threads."""
    return _encode("threads.list", {"limit": limit, "order": "desc"})


_MESSAGE = {
    "content": [{"type": "input_text", "text": "What can I do about it? " * 4}],
    "attachments": [],
    "inference_options": {},
}


def _encode(operation: str, parameters: dict[str, Any]) -> bytes:
    return json.dumps({"type": operation, "params": parameters}).encode()
