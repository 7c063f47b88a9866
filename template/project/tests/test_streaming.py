"""Streams over real connections, to clients that stall, pause or leave."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.client import HTTPConnection, IncompleteRead

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response

from app import streaming
from app.common_settings import CommonSettings
from app.connections import BoundedConfig
from app.streaming import BUFFER_BYTES, Turns

EVENT = b"data: %b\n\n" % (b"x" * 20_000)

EVENTS = 1_000
"""20 MB: more than the buffers of two sockets hold."""


class Server:
    """Streams `EVENTS` events to each client."""

    def __init__(self) -> None:
        self.sent = 0
        self.ended: list[str] = []
        self.turns = Turns()
        self.delay = 0.0
        self.queue: threading.Event | None = None
        app = FastAPI(lifespan=self.lifespan)
        app.add_api_route("/", self.answer, methods=["POST"])
        config = BoundedConfig(app, CommonSettings(shutdown_grace=1))
        config.port = 0
        self.uvicorn = uvicorn.Server(config)

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Wait for the turns at the end, as the backend does."""
        yield
        await self.turns.close()

    async def answer(self, request: Request) -> Response:
        """Start a turn."""
        request.state.request_id = "test"
        return await self.turns.start(self._events(), request)

    async def _events(self) -> AsyncGenerator[bytes]:
        try:
            while self.queue is not None:
                self.queue.set()
                await asyncio.sleep(0.01)
            for _ in range(EVENTS):
                self.sent += 1
                yield EVENT
                await asyncio.sleep(self.delay)
        except asyncio.CancelledError:
            # As in the SDK: the partial answer is stored here, which takes a while.
            await asyncio.sleep(0.01)
            self.ended.append("stopped")
            raise
        self.ended.append("finished")

    @contextmanager
    def connect(self) -> Iterator[HTTPConnection]:
        """Connect and send a request, but read nothing yet."""
        port = self.uvicorn.servers[0].sockets[0].getsockname()[1]
        client = HTTPConnection("127.0.0.1", port, timeout=60)
        client.connect()
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        client.request("POST", "/")
        yield client
        client.close()

    def wait_for_end(self, how: str) -> None:
        """Return when the turn has ended in this way."""
        wait_until(lambda: bool(self.ended))
        assert self.ended == [how]


@pytest.fixture
def server() -> Iterator[Server]:
    """A server in a thread of its own."""
    running = Server()
    with serving(running.uvicorn):
        yield running


@contextmanager
def serving(server: uvicorn.Server) -> Iterator[None]:
    """Run a server until the end of the block."""
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    yield
    server.should_exit = True
    thread.join()


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Return as soon as *condition* holds."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_buffer_is_bounded(server: Server) -> None:
    """A turn waits for a reader that takes nothing, instead of filling the memory."""
    with server.connect():
        sent = -1
        while server.sent > sent:
            sent = server.sent
            time.sleep(0.5)
        assert BUFFER_BYTES < sent * len(EVENT) < EVENTS * len(EVENT)
    server.wait_for_end("stopped")


def test_reader_that_stalls_is_cut_off(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After a while its connection is gone, and the turn goes on to its end without it."""
    monkeypatch.setattr(streaming, "READER_PATIENCE", 0.2)
    with server.connect() as client:
        server.wait_for_end("finished")
        assert server.sent == EVENTS
        wait_until(lambda: not server.uvicorn.server_state.connections)
        with pytest.raises(IncompleteRead):
            client.getresponse().read()
    assert not [entry for entry in caplog.records if entry.levelname == "ERROR"]


@pytest.mark.parametrize("pauses", [[0.5], [0.001] * 100], ids=["paused", "slow"])
def test_slow_reader_gets_everything(server: Server, pauses: list[float]) -> None:
    """A reader that pauses, or is slower than the turn, misses nothing."""
    with server.connect() as client:
        wait_until(lambda: server.sent * len(EVENT) > BUFFER_BYTES)
        response = client.getresponse()
        received = b""
        for pause in pauses:
            time.sleep(pause)
            received += response.read(10_000)
        received += response.read()
    assert received == EVENT * EVENTS
    server.wait_for_end("finished")


def test_turn_behind_a_stalled_reader_is_stored_at_shutdown() -> None:
    """A turn that waits for its reader is cancelled where its answer can be stored."""
    server = Server()
    with serving(server.uvicorn), server.connect():
        wait_until(lambda: server.sent * len(EVENT) > BUFFER_BYTES)
        server.uvicorn.should_exit = True
        server.wait_for_end("stopped")
    assert server.sent < EVENTS


def test_client_that_leaves_stops_the_turn(server: Server) -> None:
    """Closing the connection cancels the turn."""
    server.delay = 0.01
    with server.connect() as client:
        assert client.getresponse().read(1000)
    server.wait_for_end("stopped")


def test_client_that_leaves_the_queue_stops_the_turn(server: Server) -> None:
    """A turn that has to wait, and has sent nothing yet, ends with its connection."""
    server.queue = threading.Event()
    with server.connect():
        assert server.queue.wait(60)
    server.wait_for_end("stopped")
    assert server.sent == 0
