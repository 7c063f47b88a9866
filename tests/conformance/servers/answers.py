"""Answers to put in the place of the agent's own."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
)


async def saying(
    turn: Any, pieces: Sequence[str], *, pause: float = 0.0, deltas: bool = True
) -> AsyncIterator[Any]:
    """Answer a turn with a text.

    Args:
        turn: The turn.
        pieces: The text, in the pieces in which it is streamed.
        pause: Seconds before each piece.
        deltas: Whether to stream it, or to send only the finished item.
    """
    item = AssistantMessageItem(
        id=turn.store.generate_item_id("message", turn.thread, turn.context),
        thread_id=turn.thread.id,
        created_at=datetime.now(),  # noqa: DTZ005 - the SDK's times are naive
        content=[],
    )
    if deltas:
        yield ThreadItemAddedEvent(item=item)
        for piece in pieces:
            await asyncio.sleep(pause)
            yield _delta(item.id, piece)
    content = [AssistantMessageContent(text="".join(pieces))]
    yield ThreadItemDoneEvent(item=item.model_copy(update={"content": content}))


def _delta(item_id: str, text: str) -> ThreadItemUpdatedEvent:
    update = {"type": "assistant_message.content_part.text_delta", "content_index": 0}
    return ThreadItemUpdatedEvent.model_validate(
        {"item_id": item_id, "update": {**update, "delta": text}}
    )
