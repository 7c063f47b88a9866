"""Runs each turn in a separate task, so that an answer can be stopped cleanly.

ChatKit has no request for "stop": its client closes the connection. At shutdown, the backend
itself cuts off the turns that still run after `SHUTDOWN_GRACE`. Either way the turn is
cancelled, and four things have to happen, each in its own module:

- The SDK stores the answer so far. Starlette cancels a response through an anyio scope, in which
  every later `await` is cancelled again, the store's too. The task that `Turns` gives a turn
  is cancelled once, and can then await whatever it needs. (This module.)
- The work behind the answer ends: closing `respond` in `app/agent.py` must end everything that
  it has started.
- The request for the thread's title ends. (`app/titles.py`)
- The store completes a write that has begun, or undoes it, before the cancellation takes effect.
  (The store that `app/store.py` opens.)
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterable

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream


class Turns:
    """The running turns, each in a separate task."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, events: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
        """Run a turn, and return its stream when the first event has arrived.

        Closing the stream cancels the turn and waits for its clean-up.

        Raises:
            Exception: Whatever ended the turn before its first event, so that it can still
                have its own status.
        """
        # Unbounded: a slow reader must not keep a model's connection open, and the turn
        # must only wait inside the SDK, which handles a cancellation.
        send, receive = anyio.create_memory_object_stream[bytes](math.inf)
        task = asyncio.create_task(_pump(events, send))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        stream = _follow(task, receive)
        # The first item is empty: it only takes the stream up to the first event.
        await anext(stream)
        return stream

    async def close(self) -> None:
        """Cancel the turns that still run and wait until they have cleaned up."""
        for task in self._tasks:
            _cancel_once(task)
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _pump(events: AsyncIterable[bytes], send: MemoryObjectSendStream[bytes]) -> None:
    with send:
        async for event in events:
            send.send_nowait(event)


async def _follow(
    task: asyncio.Task[None], receive: MemoryObjectReceiveStream[bytes]
) -> AsyncGenerator[bytes]:
    try:
        with receive:
            first = await anext(receive, None)
            if first is None:
                await task
            yield b""
            if first is not None:
                yield first
            async for event in receive:
                yield event
        await task
    finally:
        _cancel_once(task)
        with anyio.CancelScope(shield=True):
            await asyncio.wait([task])


def _cancel_once(task: asyncio.Task[None]) -> None:
    """Cancel a turn, but not in the midst of the clean-up after an earlier cancellation."""
    if not task.cancelling():
        task.cancel()
