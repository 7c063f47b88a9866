"""Threads, items and writes for the store's tests."""

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    FeedbackKind,
    ThreadItem,
    ThreadMetadata,
)

from app.base import ChatStore, RequestContext, User

ANNA = RequestContext(User("anna"), request_id="req_1")
BERT = RequestContext(User("bert"), request_id="req_2")
NOW = datetime(2026, 3, 29, 2, 30, 0, 123456)
"""Without a time zone, as the SDK creates them."""

Contents = list[tuple[ThreadMetadata, list[ThreadItem], dict[str, FeedbackKind]]]
"""Threads, each with its items and feedback, oldest first."""


def make_thread(thread_id: str, title: str | None = None) -> ThreadMetadata:
    """Return a thread that is not saved yet."""
    return ThreadMetadata(id=thread_id, created_at=NOW, title=title)


def make_message(item_id: str, text: str = "Hi", thread_id: str = "thr_anna") -> ThreadItem:
    """Return a message of the assistant that is not saved yet."""
    return AssistantMessageItem(
        id=item_id,
        thread_id=thread_id,
        created_at=NOW,
        content=[AssistantMessageContent(text=text)],
    )


async def save_conversation(store: ChatStore) -> None:
    """Save a thread of Anna's with two items and feedback on the first."""
    await store.save_thread(make_thread("thr_anna"), ANNA)
    for item_id in ("one", "two"):
        await store.add_thread_item("thr_anna", make_message(item_id), ANNA)
    await store.save_feedback("thr_anna", ["one"], "positive", ANNA)


async def item_ids(store: ChatStore, thread_id: str = "thr_anna") -> list[str]:
    """Return the ids of the items in Anna's thread, oldest first."""
    page = await store.load_thread_items(thread_id, None, 1000, "asc", ANNA)
    return [item.id for item in page.data]


async def read_all(store: ChatStore, context: RequestContext = ANNA) -> Contents:
    """Return everything that belongs to a user; lists and single entries must agree."""
    contents: Contents = []
    for thread in (await store.load_threads(1000, None, "asc", context)).data:
        assert await store.load_thread(thread.id, context) == thread
        items = (await store.load_thread_items(thread.id, None, 1000, "asc", context)).data
        for item in items:
            assert await store.load_item(thread.id, item.id, context) == item
        contents.append((thread, items, await store.load_feedback(thread.id, context)))
    return contents


async def rename_thread(store: ChatStore, title: str) -> None:
    """Rename Anna's thread."""
    await store.rename_thread("thr_anna", title, ANNA)


async def propose_title(store: ChatStore, title: str) -> None:
    """Propose a title for Anna's thread."""
    await store.propose_title("thr_anna", title, ANNA)


Write = Callable[[ChatStore], Coroutine[Any, Any, None]]

WRITES: dict[str, Write] = {
    "new thread": lambda store: store.save_thread(make_thread("thr_new"), ANNA),
    "changed thread": lambda store: store.save_thread(make_thread("thr_anna", "New"), ANNA),
    "renamed thread": lambda store: rename_thread(store, "Renamed"),
    "proposed title": lambda store: propose_title(store, "Proposed"),
    "deleted thread": lambda store: store.delete_thread("thr_anna", ANNA),
    "new item": lambda store: store.add_thread_item("thr_anna", make_message("new"), ANNA),
    "changed item": lambda store: store.save_item("thr_anna", make_message("one", "New"), ANNA),
    "deleted item": lambda store: store.delete_thread_item("thr_anna", "one", ANNA),
    "feedback": lambda store: store.save_feedback("thr_anna", ["one", "two"], "negative", ANNA),
}
"""Every kind of write; each changes what `save_conversation` has saved."""
