"""Faults of the store."""

# ruff: noqa: ARG001, ARG005 - a fault has the signature of what it replaces

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from chatkit.store import default_generate_id
from chatkit.types import Page, UserMessageItem

from tests.conformance.servers.correct import Fault, Parts


def _order_ignored(parts: Parts) -> None:
    """Return threads oldest first, whatever the request's order."""
    original = parts.store.load_threads

    async def load_threads(limit: int, after: Any, order: str, context: Any) -> Any:
        return await original(limit, after, "asc", context)

    parts.store.load_threads = load_threads


def _item_order_ignored(parts: Parts) -> None:
    """Return items oldest first, whatever the request's order."""
    original = parts.store.load_thread_items

    async def load_thread_items(
        thread_id: str, after: Any, limit: int, order: str, context: Any
    ) -> Any:
        return await original(thread_id, after, limit, "asc", context)

    parts.store.load_thread_items = load_thread_items


def _cursor_ignored(parts: Parts) -> None:
    """Return a page without a cursor, always from the first item, as the tutorial does."""
    original = parts.store.load_thread_items

    async def load_thread_items(
        thread_id: str, after: Any, limit: int, order: str, context: Any
    ) -> Any:
        page = await original(thread_id, None, limit, order, context)
        return Page(data=page.data, has_more=page.has_more)

    parts.store.load_thread_items = load_thread_items


def _reading_crashes(parts: Parts) -> None:
    """Crash when the whole thread is loaded, as a stored Thread with `items` does."""
    original = parts.store.load_thread_items

    async def load_thread_items(
        thread_id: str, after: Any, limit: int, order: str, context: Any
    ) -> Any:
        if order == "asc":
            raise TypeError("got multiple values for keyword argument 'items'")
        return await original(thread_id, after, limit, order, context)

    parts.store.load_thread_items = load_thread_items


def _first_turn_only(parts: Parts) -> None:
    """Return only the first two items of a thread."""
    original = parts.store.load_thread_items

    async def load_thread_items(
        thread_id: str, after: Any, limit: int, order: str, context: Any
    ) -> Any:
        page = await original(thread_id, after, limit, order, context)
        return page if order == "desc" else Page(data=page.data[:2])

    parts.store.load_thread_items = load_thread_items


def _storing(change: Callable[[Any], Any]) -> Callable[[Parts], None]:
    """Store what *change* returns for an item."""

    def inside(parts: Parts) -> None:
        original = parts.store.add_thread_item

        async def add_thread_item(thread_id: str, item: Any, context: Any) -> None:
            await original(thread_id, change(item), context)

        parts.store.add_thread_item = add_thread_item

    return inside


def with_new_id(item: Any) -> Any:
    """Return a copy of an item with another id."""
    return item.model_copy(update={"id": f"row_{secrets.token_hex(16)}"})


def _without_quotation(item: Any) -> Any:
    is_message = isinstance(item, UserMessageItem)
    return item.model_copy(update={"quoted_text": None}) if is_message else item


def _message_twice(parts: Parts) -> None:
    """Store the user's message twice, as a `respond` does that stores it again."""
    original = parts.store.add_thread_item

    async def add_thread_item(thread_id: str, item: Any, context: Any) -> None:
        await original(thread_id, item, context)
        if isinstance(item, UserMessageItem):
            await original(thread_id, with_new_id(item), context)

    parts.store.add_thread_item = add_thread_item


def _titles_not_saved(parts: Parts) -> None:
    """Answer with a title that is not saved."""

    async def rename_thread(thread_id: str, title: str, context: Any) -> Any:
        thread = await parts.store.load_thread(thread_id, context)
        return thread.model_copy(update={"title": title})

    parts.store.rename_thread = rename_thread


def _time_of_reading(wrong: timedelta) -> Callable[[Parts], None]:
    """Return the current time, by a clock that is wrong, as when the thread was created."""

    def inside(parts: Parts) -> None:
        original = parts.store.load_thread

        async def load_thread(thread_id: str, context: Any) -> Any:
            thread = await original(thread_id, context)
            now = datetime.now() + wrong  # noqa: DTZ005 - the SDK's times are naive
            return thread.model_copy(update={"created_at": now})

        parts.store.load_thread = load_thread

    return inside


def _not_deleted(parts: Parts) -> None:
    """Do not delete anything."""

    async def delete_thread(thread_id: str, context: Any) -> None:
        await parts.store.load_thread(thread_id, context)

    parts.store.delete_thread = delete_thread


def _short_ids(parts: Parts) -> None:
    """Use the SDK's default ids."""
    parts.store.generate_thread_id = lambda context: default_generate_id("thread")
    parts.store.generate_item_id = lambda kind, thread, context: default_generate_id(kind)


FAULTS: dict[str, Fault] = {
    "threads-read-after-first-turn": Fault(patch=_reading_crashes),
    "threads-second-message": Fault(patch=_first_turn_only),
    "threads-read-as-streamed": Fault(patch=_storing(with_new_id)),
    "threads-newest-first": Fault(patch=_order_ignored),
    "threads-items-paged": Fault(patch=_cursor_ignored),
    "threads-items-newest-first": Fault(patch=_item_order_ignored),
    "threads-renamed": Fault(patch=_titles_not_saved),
    "threads-created-at-stable": Fault(patch=_time_of_reading(timedelta(minutes=5))),
    "threads-deleted": Fault(patch=_not_deleted),
    "items-quotation-kept": Fault(patch=_storing(_without_quotation)),
    "items-ids-long": Fault(patch=_short_ids),
    "items-message-once": Fault(patch=_message_twice),
    "items-retry-replaces": Fault(patch=_item_order_ignored),
}
MORE_FAULTS: dict[str, tuple[str, Fault]] = {
    "created at each reading": (
        "threads-created-at-stable",
        Fault(patch=_time_of_reading(timedelta())),
    ),
}
