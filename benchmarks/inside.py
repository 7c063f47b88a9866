"""Runs inside a generated project: measures turns and pages, and prints milliseconds as JSON."""

import asyncio
import json
import logging
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from chatkit.server import ChatKitServer, NonStreamingResult, StreamingResult
from chatkit.types import InferenceOptions, ThreadMetadata, UserMessageItem, UserMessageTextContent

from app.agent import EchoAgent
from app.base import ChatStore, RequestContext
from app.server import ChatServer
from app.settings import load_settings
from app.store import open_store

CONTEXT = RequestContext(user_id="bench", request_id="bench")
NOW = datetime(2026, 1, 1, 12)  # noqa: DTZ001 - the SDK's times are naive
WORDS = 20
TURNS = 60
PAGES = 40
SMALL, LARGE = 100, 10_000
"""Items in the two threads."""

Measured = Callable[[], Awaitable[object]]


async def main() -> None:
    """Measure both sides of each comparison in turn."""
    logging.disable()
    async with open_store(load_settings()) as store:
        server = ChatServer(store, EchoAgent(0), 50)
        turns = await alternate(
            {"sdk": lambda: sdk_turn(server), "ours": lambda: our_turn(server)}, TURNS
        )
        for number in (SMALL, LARGE):
            await fill(store, number)
        pages = await alternate(
            {"small": lambda: page(store, SMALL), "large": lambda: page(store, LARGE)}, PAGES
        )
    print(json.dumps({"turn": turns, "page": pages}))


async def alternate(measured: dict[str, Measured], times: int) -> dict[str, float]:
    """Return the median milliseconds of each, run in turn so that load affects all alike."""
    found: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(times):
        for name, run in measured.items():
            begin = time.perf_counter()
            await run()
            found[name].append((time.perf_counter() - begin) * 1000)
    return {name: statistics.median(values) for name, values in found.items()}


async def sdk_turn(server: ChatServer) -> None:
    """Respond to a first message as the SDK's `process` does."""
    await drain(await ChatKitServer.process(server, BODY, CONTEXT))


async def our_turn(server: ChatServer) -> None:
    """Respond to it as the project's route does."""
    await drain(await server.answer(server.parse(BODY), CONTEXT))


async def drain(result: StreamingResult | NonStreamingResult) -> None:
    """Read a stream to its end."""
    if isinstance(result, StreamingResult):
        async for _ in result:
            pass


async def fill(store: ChatStore, number: int) -> None:
    """Store a thread with *number* items."""
    thread = ThreadMetadata(id=f"thr_{number}", created_at=NOW)
    await store.save_thread(thread, CONTEXT)
    for index in range(number):
        item = UserMessageItem(
            id=f"msg_{index}",
            thread_id=thread.id,
            created_at=NOW,
            content=[UserMessageTextContent(text="word " * WORDS)],
            inference_options=InferenceOptions(),
        )
        await store.add_thread_item(thread.id, item, CONTEXT)


async def page(store: ChatStore, number: int) -> None:
    """Load twenty items from the middle of a thread."""
    after = f"msg_{number // 2}"
    await store.load_thread_items(f"thr_{number}", after, 20, "desc", CONTEXT)


BODY = json.dumps(
    {
        "type": "threads.create",
        "params": {
            "input": {
                "content": [{"type": "input_text", "text": "word " * WORDS}],
                "attachments": [],
                "inference_options": {},
            }
        },
    }
).encode()

if __name__ == "__main__":
    asyncio.run(main())
