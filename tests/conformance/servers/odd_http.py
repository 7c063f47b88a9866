"""Servers that limit requests, hang, or send without end."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from starlette.responses import JSONResponse, Response, StreamingResponse

from tests.conformance.servers.correct import Fault
from tests.conformance.servers.http_faults import operation
from tests.conformance.servers.middleware import Json, change_headers, respond_instead, sse
from tests.conformance.servers.serving import Message

MEGABYTE = 1_000_000


def refusal(status: int, retry_after: str | None = None) -> Response:
    """Return a refusal to handle a request now."""
    headers = {} if retry_after is None else {"retry-after": retry_after}
    return JSONResponse({"detail": "Slow down"}, status, headers)


def http_date(seconds: float) -> str:
    """Return a time from now on as an HTTP date."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


def limited(refuse: Callable[[int, str], Response | None]) -> Fault:
    """Return a server that refuses some POST requests, given their number and operation."""
    numbers = itertools.count(1)

    def choose(request: Json, scope: Message) -> Response | None:
        if scope["method"] != "POST":
            return None
        return refuse(next(numbers), operation(request))

    return Fault(middleware=respond_instead(choose))


def answering(choose: Callable[[str], Response | None]) -> Fault:
    """Return a server that answers some operations in its own way."""

    def respond(request: Json, _: Message) -> Response | None:
        return choose(operation(request))

    return Fault(middleware=respond_instead(respond))


def hanging(*operations: str, seen: list[str] | None = None) -> Fault:
    """Return a server that never responds to some operations; *seen* collects them."""

    def choose(name: str) -> Response | None:
        if name not in operations:
            return None
        if seen is not None:
            seen.append(name)
        return _silence

    return answering(choose)


async def _silence(*_: object) -> None:
    """Respond with nothing for longer than any check waits."""
    await asyncio.sleep(600)


def dripping() -> AsyncIterator[bytes]:
    """Yield a space every half second, without end: JSON may begin with any number of them."""
    return _endlessly(b" ", 0.5)


def pinging() -> AsyncIterator[bytes]:
    """Yield comments of an event stream, without end."""
    return _endlessly(b": ping\n\n", 0.05)


async def _endlessly(chunk: bytes, pause: float) -> AsyncIterator[bytes]:
    while True:
        yield chunk
        await asyncio.sleep(pause)


async def pouring() -> AsyncIterator[bytes]:
    """Yield valid events as fast as possible, without end."""
    event = sse({"type": "progress_update", "text": "more"}) * 100
    while True:
        yield event


async def long_line() -> AsyncIterator[bytes]:
    """Yield an event of 100 MB, in chunks as small as a network's packets."""
    yield b'data: {"type": "'
    for _ in range(100_000):
        yield b"x" * 1_000
    yield b'"}\n\n'


async def long_page(megabytes: int) -> AsyncIterator[bytes]:
    """Yield a page with so many threads that it has this size."""
    thread = {
        "title": "A title",
        "created_at": "2026-01-01T00:00:00Z",
        "status": {"type": "active"},
    }
    rows = json.dumps([{"id": f"thr_{number}", **thread} for number in range(1_000)])[1:-1].encode()
    yield b'{"has_more": false, "data": ['
    for _ in range(megabytes * MEGABYTE // len(rows)):
        yield rows + b", "
    yield rows + b"]}"


def events(body: AsyncIterator[bytes]) -> Response:
    """Return an event stream."""
    return StreamingResponse(body, media_type="text/event-stream")


def json_of(body: AsyncIterator[bytes]) -> Response:
    """Return a response that is labelled as JSON."""
    return StreamingResponse(body, media_type="application/json")


def _behind_a_proxy(_: int, headers: dict[str, str]) -> None:
    headers.update({"server": "cloudflare", "cf-ray": "8f1-FRA", "via": "1.1 nginx, 1.1 Caddy"})


ODD: dict[str, Fault] = {
    "behind proxies": Fault(middleware=change_headers(_behind_a_proxy)),
}
