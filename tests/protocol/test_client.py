"""The client records any response and never waits forever."""

import asyncio
import contextlib
import gzip
import re
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from chatkit_scaffold.conformance.suite import run_checks
from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange
from chatkit_scaffold.protocol.limits import LimitReachedError, Limits
from chatkit_scaffold.text import shorten

WRONG_CODING = "the body does not match its Content-Encoding"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CUT_OFF = "the connection was cut off, or the response is not valid HTTP"
STRICT_LIMITS = Limits(
    read_timeout=0.3, exchange_timeout=1.0, response_bytes=100_000, stream_events=500, requests=20
)

Behavior = Callable[[socket.socket], None]


@contextlib.contextmanager
def raw_server(behave: Behavior) -> Iterator[str]:
    """Listen on a free port and call *behave* with every connection, after its request."""
    stopping = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)

        def accept() -> None:
            while not stopping.is_set():
                with contextlib.suppress(OSError):
                    connection, _ = listener.accept()
                    with connection:
                        connection.settimeout(2)
                        read_request(connection)
                        behave(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/chatkit"
        finally:
            stopping.set()
            thread.join()


def read_request(connection: socket.socket) -> None:
    """Read one request to its end; closing with some of it unread would reset the connection."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += receive(connection)
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    missing = (int(length[1]) if length else 0) - len(body)
    while missing > 0:
        missing -= len(receive(connection))


def receive(connection: socket.socket) -> bytes:
    """Return the next bytes; raise ConnectionError at the end of the stream."""
    if not (data := connection.recv(65_536)):
        raise ConnectionError("the client left before its request was complete")
    return data


def create_thread(url: str, limits: Limits = STRICT_LIMITS) -> Exchange:
    """Send threads.create and return the exchange."""

    async def create() -> Exchange:
        async with Chatkit(url, limits=limits) as user:
            return await user.create_thread("Hello")

    return asyncio.run(create())


def silent(connection: socket.socket) -> None:
    """Send nothing until the client gives up."""
    connection.recv(1)


def dripping(connection: socket.socket) -> None:
    """Send comments slowly and without end."""
    connection.sendall(HEAD + b"\r\n")
    pause = threading.Event()
    while True:
        connection.sendall(b": still here\n\n")
        pause.wait(0.05)


def pouring(connection: socket.socket) -> None:
    """Send events fast and without end."""
    connection.sendall(HEAD + b"\r\n")
    while True:
        connection.sendall(b'data: {"type": "progress_update", "text": "more"}\n\n' * 100)


def endless_line(connection: socket.socket) -> None:
    """Send a line without end."""
    connection.sendall(HEAD + b"\r\ndata: ")
    while True:
        connection.sendall(b"x" * 10_000)


@pytest.mark.parametrize("behave", [silent, dripping, pouring, endless_line])
def test_endless_responses_are_cut_off(behave: Behavior) -> None:
    """The client gives up on silent and endless responses, and records the reason."""
    with raw_server(behave) as url:
        exchange = create_thread(url)
    assert exchange.error
    assert exchange.seconds < 3
    assert not exchange.ok


@pytest.mark.parametrize(
    ("reply", "status", "error"),
    [
        (b"", 0, CUT_OFF),
        (b"SSH-2.0-OpenSSH_9.6\r\n", 0, CUT_OFF),
        (b"\x00\xff\xfe" * 100, 0, CUT_OFF),
        (b"HTTP/1.1 999 ???\r\n\r\n", 999, ""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort", 200, CUT_OFF),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
            200,
            WRONG_CODING,
        ),
        (HEAD + b"Content-Encoding: gzip\r\nContent-Encoding: GZIP\r\n\r\n", 200, WRONG_CODING),
        (HEAD + b"Content-Encoding: zstd\r\n\r\n", 200, WRONG_CODING),
        (HEAD + b"Content-Encoding: Identity, gzip\r\n\r\n" + gzip.compress(b"\n"), 200, ""),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 200, CUT_OFF),
        (HEAD + b"Set-Cookie: \xff=;;; domain=\x01\r\nContent-Length: 0\r\n\r\n", 200, ""),
        (HEAD + b'Content-Length: 23\r\n\r\ndata: {"type": "\xff\xfe"}\n\n\n', 200, ""),
    ],
    ids=[
        "nothing",
        "ssh",
        "binary",
        "unknown status",
        "short body",
        "not gzip",
        "gzip twice",
        "zstd",
        "gzip once",
        "invalid chunk",
        "invalid cookie",
        "not utf-8",
    ],
)
def test_any_response_is_recorded(reply: bytes, status: int, error: str) -> None:
    """A response that is not valid HTTP or ChatKit is recorded with its error, and never raises."""
    with raw_server(lambda connection: connection.sendall(reply)) as url:
        exchange = create_thread(url)
    assert exchange.status == status
    assert exchange.error.partition(" (")[0] == error
    assert exchange.got.isprintable()


@pytest.mark.parametrize("behave", [silent, dripping, pouring])
def test_run_ends(behave: Behavior) -> None:
    """A run against a server that never completes a response ends with status 1 or 2."""
    with raw_server(behave) as url:
        assert check(url) in (1, 2)


def check(url: str) -> int:
    """Check a server with a short timeout; return the exit status."""
    try:
        report = run_checks(url, timeout=0.1)
    except ScaffoldError:
        return 2
    assert report.errors == []
    assert report.seconds < 30
    return report.exit_status()


def test_no_server() -> None:
    """Without a server, a run fails with the URL and the reason."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ScaffoldError, match=rf":{port}/x does not respond: no connection"):
        run_checks(f"http://127.0.0.1:{port}/x", timeout=2)


def test_request_limit() -> None:
    """The client sends no more requests than the limit."""
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    async def many(url: str) -> int:
        sent = 0
        async with Chatkit(url, limits=Limits(requests=5)) as user:
            with contextlib.suppress(LimitReachedError):
                while sent < 50:
                    await user.call("threads.list")
                    sent += 1
        return sent

    with raw_server(lambda connection: connection.sendall(reply)) as url:
        assert asyncio.run(many(url)) == 5


def test_cookies_are_kept_per_user() -> None:
    """A user keeps the cookies that the server set and those of --header; others do not."""
    reply = b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=abc; Path=/\r\nContent-Length: 2\r\n\r\n{}"

    async def jars(url: str) -> list[dict[str, str]]:
        async with Chatkit(url, headers={"Cookie": "mine=1"}) as user, Chatkit(url) as other:
            await user.call("threads.list")
            return [user.cookies, other.cookies]

    with raw_server(lambda connection: connection.sendall(reply)) as url:
        assert asyncio.run(jars(url)) == [{"mine": "1", "sid": "abc"}, {}]


@pytest.mark.parametrize(
    "url", ["", "chatkit", "ftp://host/x", "http://", "http://[::1", "http://h:99999/", "\x00"]
)
def test_invalid_urls(url: str) -> None:
    """A URL that is not valid raises an error that contains it."""
    with pytest.raises(
        ScaffoldError, match=f"^{re.escape(repr(shorten(url)))} is not a valid HTTP URL$"
    ):
        Chatkit(url)


def test_credentials_are_never_shown() -> None:
    """Neither an exchange nor the displayed URL contains a password or a header's value."""
    reply = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
    with raw_server(lambda connection: connection.sendall(reply)) as url:
        secret = url.replace("http://", "http://me:hunter2@")

        async def call() -> tuple[str, Exchange]:
            async with Chatkit(secret, headers={"Authorization": "Bearer hunter2"}) as user:
                return user.display_url, await user.call("threads.list")

        shown, exchange = asyncio.run(call())
    assert shown == url
    assert "hunter2" not in f"{exchange}"
