"""The answer that every measured server streams: the same events, in the same order."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator

from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)

from benchmarks.apps import DELTAS

DELAY = float(os.environ.get("BENCH_DELAY", "0"))
"""Seconds before each delta."""


async def answer(item: AssistantMessageItem) -> AsyncGenerator[ThreadStreamEvent]:
    """Stream *item* as models do: each delta is the time at which it was there.

    The time is `time.monotonic_ns`, which all processes of a machine share.
    """
    yield ThreadItemAddedEvent(item=item)
    yield ThreadItemUpdatedEvent(
        item_id=item.id,
        update=AssistantMessageContentPartAdded(
            content_index=0, content=AssistantMessageContent(text="")
        ),
    )
    text = ""
    for _ in range(DELTAS):
        if DELAY:
            await asyncio.sleep(DELAY)
        delta = f"{time.monotonic_ns()} "
        text += delta
        yield ThreadItemUpdatedEvent(
            item_id=item.id,
            update=AssistantMessageContentPartTextDelta(content_index=0, delta=delta),
        )
    content = AssistantMessageContent(text=text)
    yield ThreadItemUpdatedEvent(
        item_id=item.id,
        update=AssistantMessageContentPartDone(content_index=0, content=content),
    )
    yield ThreadItemDoneEvent(item=item.model_copy(update={"content": [content]}))
