"""Runs each turn in a separate task, and streams its events to the client.

ChatKit has no request for "stop": its client closes the connection. At shutdown, the backend
itself cuts off the turns that still run after `SHUTDOWN_GRACE`. Either way the turn is
cancelled, and four things have to happen, each in its own module:

- The answer so far is stored. Starlette cancels a response through an anyio scope, in which
  every later `await` is cancelled again, the store's too. The task that `Turns` gives a turn
  is cancelled once, and can then await whatever it needs. (This module and `app/recording.py`.)
- The work behind the answer ends: closing `respond` in `app/agent.py` must end everything that
  it has started.
- The request for the thread's title ends. (`app/titles.py`)
- The store completes a write that has begun, or undoes it, before the cancellation takes effect.
  (The store that `app/store.py` opens.)

A client that reads slowly slows its turn down only when `BUFFER_BYTES` wait for it. One that reads
nothing is cut off: its turn goes on and is stored, and the client can load the answer later.
"""

import asyncio
from collections.abc import AsyncGenerator

import anyio
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

BUFFER_BYTES = 1_000_000
"""How much of an answer may wait for its reader: about a minute of a fast model, so that a pause
does not hold it up, and little enough for hundreds of readers that have stalled."""

READER_PATIENCE = 30.0
"""How long a reader may take nothing while events wait for it, in seconds."""

_PIECE_BYTES = 65_536
"""The largest part of the buffer that is sent at once; uvicorn keeps about as much unsent."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class ReaderStalledError(Exception):
    """The reader has taken nothing for `READER_PATIENCE` seconds."""


class Turns:
    """The running turns, each in a separate task."""

    def __init__(self) -> None:
        self._running: set[RunningTurn] = set()

    async def start(self, events: AsyncGenerator[bytes], request: Request) -> Response:
        """Run a turn, and return its stream when the first event has arrived.

        A turn may have to wait for earlier ones of its thread. If its client leaves meanwhile, it
        ends without a trace.

        Raises:
            Exception: Whatever ended the turn before its first event, so that it can still
                have its own status.
        """
        turn = RunningTurn(events)
        self._running.add(turn)
        turn.task.add_done_callback(lambda _: self._running.discard(turn))
        try:
            if await turn.has_begun(request.receive):
                return EventStream(turn)
        except BaseException:
            await turn.stop()
            raise
        await turn.stop()
        request.state.stopped = True
        return Response(status_code=499)  # As in the log of nginx: the client closed the request.

    async def close(self) -> None:
        """Cancel the turns that still run and wait until they have cleaned up."""
        running = list(self._running)
        for turn in running:
            turn.cancel()
        await asyncio.gather(*(turn.task for turn in running), return_exceptions=True)


class RunningTurn:
    """A turn's task, and the events that its reader has not taken yet.

    Args:
        events: The turn; each item is one event, as it is sent.
    """

    def __init__(self, events: AsyncGenerator[bytes]) -> None:
        self._buffer = bytearray()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None
        self._has_reader = True
        self._cancelled = False
        self._outside = False
        self.task = asyncio.create_task(self._run(events))
        self.task.add_done_callback(self._note_end)

    async def has_begun(self, receive: Receive) -> bool:
        """Wait for the first event; return False if the client leaves before it.

        Raises:
            Exception: Whatever ended the turn instead.
        """
        await self._wait(receive)
        if self.task.done() and not self._buffer:
            self.task.result()
        return self._has_reader

    async def read(self, receive: Receive) -> tuple[bytes, bool] | None:
        """Wait for events; return them, and whether more may follow, or None: the client has left.

        Raises:
            Exception: Whatever ended the turn, after its last event.
        """
        await self._wait(receive)
        if not self._has_reader:
            return None
        if not self._buffer:
            self.task.result()
        piece = bytes(self._buffer[:_PIECE_BYTES])
        del self._buffer[:_PIECE_BYTES]
        self._room.set()
        return piece, bool(self._buffer) or not self._has_succeeded()

    def forget_reader(self) -> None:
        """Drop the events that the reader has not taken, and all that follow."""
        self._has_reader = False
        self._buffer.clear()
        self._news.set()
        self._room.set()
        if self._watcher is not None:
            self._watcher.cancel()

    def cancel(self) -> None:
        """Cancel the turn, but not in the midst of the clean-up after an earlier cancellation."""
        if self._cancelled:
            return
        self._cancelled = True
        if self._outside:
            self.forget_reader()
        else:
            self.task.cancel()

    async def stop(self) -> None:
        """Cancel the turn, unless it has ended, and wait for its clean-up."""
        self.forget_reader()
        if not self.task.done():
            self.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait([self.task])

    async def _run(self, events: AsyncGenerator[bytes]) -> None:
        async for event in events:
            if not self._has_reader:
                continue
            self._buffer += event
            self._news.set()
            if len(self._buffer) >= _PIECE_BYTES:
                await self._let_read()

    async def _let_read(self) -> None:
        """Give the reader a chance, and wait for it while the buffer is full.

        A cancellation takes effect later, inside the SDK, where the answer so far is stored.
        """
        self._outside = True
        await asyncio.sleep(0)
        while len(self._buffer) >= BUFFER_BYTES:
            self._room.clear()
            await self._room.wait()
        self._outside = False
        if self._cancelled:
            self.task.cancel()

    async def _wait(self, receive: Receive) -> None:
        """Wait until there is an event, the turn has ended or the client has left."""
        while self._has_reader and not self._buffer and not self.task.done():
            if self._watcher is None:
                self._watcher = asyncio.create_task(self._watch(receive))
            self._news.clear()
            await self._news.wait()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.forget_reader()

    def _has_succeeded(self) -> bool:
        return self.task.done() and not self.task.cancelled() and self.task.exception() is None

    def _note_end(self, task: asyncio.Task[None]) -> None:
        self._news.set()
        if not task.cancelled():
            task.exception()  # asyncio would log one that nobody has looked at.


class EventStream(Response):
    """Sends a turn's events; those that are ready together leave together.

    Args:
        turn: A turn that has begun; it is stopped when the client leaves.
    """

    media_type = "text/event-stream"

    def __init__(self, turn: RunningTurn) -> None:
        # The parent's `__init__` would set the length of the body.
        self._turn = turn
        self.status_code = 200
        self.background = None
        # nginx and similar proxies forward each event immediately because of the second header.
        self.init_headers({"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until the turn ends, or the client leaves or no longer reads."""
        state = scope["state"]
        state["stopped"] = True
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            state["stopped"] = not await self._send_events(receive, send)
        except ReaderStalledError:
            log.warning("reader cut off", request_id=state["request_id"])
            self._turn.forget_reader()
            await _cut_off(scope, receive)
            return
        except BaseException:
            await self._turn.stop()
            raise
        await self._turn.stop()

    async def _send_events(self, receive: Receive, send: Send) -> bool:
        """Send everything; return False if the client leaves before the end."""
        more = True
        while more:
            found = await self._turn.read(receive)
            if found is None:
                return False
            body, more = found
            try:
                async with asyncio.timeout(READER_PATIENCE):
                    await send({"type": "http.response.body", "body": body, "more_body": more})
            except TimeoutError:
                raise ReaderStalledError from None
        return True


async def _cut_off(scope: Scope, receive: Receive) -> None:
    """End the connection now, with all that still waits in it (see `app/connections.py`).

    Without an end of the body, the client knows that the rest is missing.
    """
    abort = scope["state"].get("abort")
    if abort is not None:
        abort()
        await receive()  # `http.disconnect`: to uvicorn, a response without an end is an error.
