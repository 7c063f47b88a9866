"""The client reads any answer, waits for none too long, and keeps what it saw."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from chatkit_scaffold.conformance.suite import run_checks
from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange
from chatkit_scaffold.protocol.limits import BudgetSpentError, Limits

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
QUICK = Limits(read_timeout=0.3, exchange_timeout=1.0, body=100_000, events=500, requests=20)

Behaviour = Callable[[socket.socket], None]


@contextlib.contextmanager
def answering(behave: Behaviour) -> Iterator[str]:
    """Listen on a free port and give every connection to *behave* after its request came."""
    stopping = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)

        def accept() -> None:
            while not stopping.is_set():
                with contextlib.suppress(OSError):
                    connection, _ = listener.accept()
                    with connection:
                        connection.settimeout(2)
                        connection.recv(65_536)
                        behave(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/chatkit"
        finally:
            stopping.set()
            thread.join()


def ask(url: str, limits: Limits = QUICK) -> Exchange:
    """Begin a thread."""

    async def create() -> Exchange:
        async with Chatkit(url, limits=limits) as user:
            return await user.create_thread("Hello")

    return asyncio.run(create())


def silent(connection: socket.socket) -> None:
    """Say nothing until the client gives up."""
    connection.recv(1)


def dripping(connection: socket.socket) -> None:
    """Send a comment now and then, for ever."""
    connection.sendall(HEAD + b"\r\n")
    pause = threading.Event()
    while True:
        connection.sendall(b": still here\n\n")
        pause.wait(0.05)


def pouring(connection: socket.socket) -> None:
    """Send as much as the client takes."""
    connection.sendall(HEAD + b"\r\n")
    while True:
        connection.sendall(b'data: {"type": "progress_update", "text": "more"}\n\n' * 100)


def never_ending_line(connection: socket.socket) -> None:
    """Send one line without an end."""
    connection.sendall(HEAD + b"\r\ndata: ")
    while True:
        connection.sendall(b"x" * 10_000)


@pytest.mark.parametrize("behave", [silent, dripping, pouring, never_ending_line])
def test_never_waits_for_ever(behave: Behaviour) -> None:
    """Silence and answers without an end are broken off, and the exchange says so."""
    with answering(behave) as url:
        exchange = ask(url)
    assert exchange.error
    assert exchange.seconds < 3
    assert not exchange.ok


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x00\xff\xfe" * 100,
        b"HTTP/1.1 999 ???\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"Set-Cookie: \xff=;;; domain=\x01\r\nContent-Length: 0\r\n\r\n",
        HEAD + b'Content-Length: 24\r\n\r\ndata: {"type": "\xff\xfe"}\n\n\n',
    ],
    ids=[
        "nothing",
        "ssh",
        "binary",
        "odd status",
        "cut off",
        "not gzip",
        "chunks",
        "cookie",
        "utf8",
    ],
)
def test_any_answer_is_an_exchange(reply: bytes) -> None:
    """What is no HTTP, or no ChatKit, is kept and described, not raised."""
    with answering(lambda connection: connection.sendall(reply)) as url:
        exchange = ask(url)
    assert exchange.got.isprintable()


@pytest.mark.parametrize("behave", [silent, dripping, pouring])
def test_a_whole_run_ends(behave: Behaviour) -> None:
    """A server that never finishes an answer gets a verdict, or the reason why there is none."""
    with answering(behave) as url:
        assert verdict(url) in (1, 2)


def verdict(url: str) -> int:
    """Check a server in little time; return the exit status."""
    try:
        report = run_checks(url, timeout=0.1)
    except ScaffoldError:
        return 2
    assert report.errors == []
    assert report.seconds < 30
    return report.exit_status()


def test_nobody_there() -> None:
    """A port where nobody listens gives no verdict."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ScaffoldError, match=rf"http://127.0.0.1:{port}/x does not answer: no conn"):
        run_checks(f"http://127.0.0.1:{port}/x", timeout=2)


def test_requests_are_counted() -> None:
    """No more requests are sent than allowed."""
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    async def many(url: str) -> int:
        sent = 0
        async with Chatkit(url, limits=Limits(requests=5)) as user:
            with contextlib.suppress(BudgetSpentError):
                while sent < 50:
                    await user.call("threads.list")
                    sent += 1
        return sent

    with answering(lambda connection: connection.sendall(reply)) as url:
        assert asyncio.run(many(url)) == 5


def test_cookies_are_kept_per_user() -> None:
    """A cookie is kept for the user it was set for, beside the one of --header."""
    reply = b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=abc; Path=/\r\nContent-Length: 2\r\n\r\n{}"

    async def jars(url: str) -> list[dict[str, str]]:
        async with Chatkit(url, headers={"Cookie": "mine=1"}) as user, Chatkit(url) as other:
            await user.call("threads.list")
            return [user.cookies, other.cookies]

    with answering(lambda connection: connection.sendall(reply)) as url:
        assert asyncio.run(jars(url)) == [{"mine": "1", "sid": "abc"}, {}]


@pytest.mark.parametrize(
    "url", ["", "chatkit", "ftp://host/x", "http://", "http://[::1", "http://h:99999/", "\x00"]
)
def test_unusable_urls(url: str) -> None:
    """What is no URL of an HTTP server is refused with the value in the text."""
    with pytest.raises(ScaffoldError, match="is not the URL of an HTTP server"):
        Chatkit(url)


def test_credentials_are_never_shown() -> None:
    """Neither an exchange nor the printed URL holds a password or a header's value."""
    reply = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
    with answering(lambda connection: connection.sendall(reply)) as url:
        secret = url.replace("http://", "http://me:hunter2@")

        async def call() -> tuple[str, Exchange]:
            async with Chatkit(secret, headers={"Authorization": "Bearer hunter2"}) as user:
                return user.shown_url, await user.call("threads.list")

        shown, exchange = asyncio.run(call())
    assert shown == url
    assert "hunter2" not in f"{exchange}"
