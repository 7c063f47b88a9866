"""Loads what the agent gets of a conversation."""

from collections.abc import Sequence

from chatkit.types import Thread, ThreadItem

from app.base import Turn


async def load_history(turn: Turn, limit: int, before: str | None) -> Sequence[ThreadItem]:
    """Return the newest items up to the turn's message, oldest first.

    Args:
        turn: A turn that has no history yet.
        limit: How many items the agent gets at most.
        before: The id of the oldest item that is left out, when a message is answered again.
    """
    message = turn.message
    if isinstance(turn.thread, Thread) and message is not None:
        return [message]  # The SDK has just created the thread.
    page = await turn.store.load_thread_items(turn.thread.id, before, limit, "desc", turn.context)
    items = page.data[::-1]
    ids = [item.id for item in items]
    # A message that arrived since then has its own turn.
    if message is not None and message.id in ids:
        return items[: ids.index(message.id) + 1]
    return items
