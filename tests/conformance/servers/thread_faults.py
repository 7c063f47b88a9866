"""Faults of whole threads: mixed up, brought back after deletion, or listed without an end."""

# ruff: noqa: ARG005 - a fault has the signature of what it replaces

import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from chatkit.store import NotFoundError
from chatkit.types import AssistantMessageContent, AssistantMessageItem

from tests.conformance.servers.correct import Fault, Parts
from tests.conformance.servers.http_faults import operation
from tests.conformance.servers.middleware import BufferedResponse, Json, change_responses

_EARLIER_ITEMS = 24
"""More than the 20 items that `threads.get_by_id` returns."""
_LISTS = ("threads.list", "items.list")


def _one_id(parts: Parts) -> None:
    """Give every thread the id of the first one."""
    parts.store.generate_thread_id = lambda context: "thr_first"


def _one_thread(*, used: bool) -> Callable[[Parts], None]:
    """Use one thread for everything, as a backend with one global conversation does.

    If it is *used*, the first page of its items holds nothing but earlier ones.
    """

    def inside(parts: Parts) -> None:
        store = parts.store
        save, add = store.save_thread, store.add_thread_item
        first: list[str] = []

        def redirect(name: str) -> None:
            original = getattr(store, name)

            async def method(thread_id: str, *args: Any, **named: Any) -> Any:
                return await original(first[0] if first else thread_id, *args, **named)

            setattr(store, name, method)

        async def save_thread(thread: Any, context: Any) -> None:
            await save(thread, context)
            if not first:
                first.append(thread.id)
                for number in range(_EARLIER_ITEMS if used else 0):
                    await add(thread.id, _earlier(number, thread.id), context)

        for name in ("load_thread", "load_thread_items", "add_thread_item", "save_item"):
            redirect(name)
        store.save_thread = save_thread

    return inside


def _earlier(number: int, thread_id: str) -> AssistantMessageItem:
    return AssistantMessageItem(
        id=f"msg_earlier_{number}",
        thread_id=thread_id,
        created_at=datetime.now(),  # noqa: DTZ005 - the SDK's times are naive
        content=[AssistantMessageContent(text="This was before.")],
    )


def _items_shared(parts: Parts) -> None:
    """Return the items of all the user's threads for each, as a query without the thread does."""
    store = parts.store
    load, save = store.load_thread_items, store.save_thread
    owners: dict[str, str] = {}

    async def save_thread(thread: Any, context: Any) -> None:
        owners[thread.id] = context.user_id
        await save(thread, context)

    async def load_thread_items(
        thread_id: str, after: Any, limit: int, order: str, context: Any
    ) -> Any:
        page = await load(thread_id, after, limit, order, context)
        for other, owner in owners.items():
            if other != thread_id and owner == context.user_id:
                with contextlib.suppress(NotFoundError):
                    page.data += (await load(other, None, limit, order, context)).data
        return page

    store.save_thread, store.load_thread_items = save_thread, load_thread_items


def _same_item_twice(parts: Parts) -> None:
    """Return every item twice under one id, as a store that only ever appends does."""
    load = parts.store.load_thread_items

    async def load_thread_items(
        thread_id: str, after: Any, limit: int, order: str, context: Any
    ) -> Any:
        page = await load(thread_id, after, limit, order, context)
        page.data = [item for item in page.data for _ in range(2)][:limit]
        return page

    parts.store.load_thread_items = load_thread_items


def _empty_thread_besides(parts: Parts) -> None:
    """Create an empty thread besides every new one."""
    save = parts.store.save_thread
    known: set[str] = set()

    async def save_thread(thread: Any, context: Any) -> None:
        await save(thread, context)
        if thread.id not in known:
            known.add(thread.id)
            new_id = parts.store.generate_thread_id(context)
            known.add(new_id)
            await save(thread.model_copy(update={"id": new_id}), context)

    parts.store.save_thread = save_thread


def _full_page_is_not_last(request: Json, response: BufferedResponse) -> None:
    """Set `has_more` on every full page."""
    if operation(request) in _LISTS and response.status == 200:
        page = response.body
        if len(page["data"]) == request["params"].get("limit"):
            page.update(has_more=True, after=page["data"][-1]["id"])


def _cursor_always(request: Json, response: BufferedResponse) -> None:
    """Set `after` on every page."""
    if operation(request) in _LISTS and response.status == 200 and response.body["data"]:
        response.body["after"] = response.body["data"][-1]["id"]


def _upserting(*names: str) -> Callable[[Parts], None]:
    """Bring a deleted thread back when one of these methods of the store writes to it."""

    def inside(parts: Parts) -> None:
        store = parts.store
        deleted: dict[str, Any] = {}
        delete, save = store.delete_thread, store.save_thread

        async def delete_thread(thread_id: str, context: Any) -> None:
            thread = await store.load_thread(thread_id, context)
            await delete(thread_id, context)
            deleted[thread_id] = thread

        def bring_back(name: str) -> None:
            original = getattr(store, name)

            async def method(thread_id: str, *args: Any, **named: Any) -> Any:
                context = named["context"] if named else args[-1]
                if thread := deleted.pop(thread_id, None):
                    await save(thread, context)
                try:
                    return await original(thread_id, *args, **named)
                except NotFoundError:
                    return None

            setattr(store, name, method)

        store.delete_thread = delete_thread
        for name in names:
            bring_back(name)

    return inside


FAULTS: dict[str, Fault] = {
    "threads-distinct": Fault(patch=_one_id),
    "threads-pages-end": Fault(middleware=change_responses(_full_page_is_not_last)),
    "threads-last-cursor": Fault(middleware=change_responses(_cursor_always)),
    "threads-deleted-stays": Fault(patch=_upserting("add_thread_item")),
}
MORE_FAULTS: dict[str, tuple[str, Fault]] = {
    "one thread for all": ("threads-distinct", Fault(patch=_one_thread(used=False))),
    "one thread for all, in use": ("threads-distinct", Fault(patch=_one_thread(used=True))),
    "items of all threads": ("threads-distinct", Fault(patch=_items_shared)),
    "items twice under one id": ("items-message-once", Fault(patch=_same_item_twice)),
    "an empty thread besides": ("threads-created-once", Fault(patch=_empty_thread_besides)),
    "renaming brings back": ("threads-deleted-stays", Fault(patch=_upserting("rename_thread"))),
    "feedback brings back": ("threads-deleted-stays", Fault(patch=_upserting("save_feedback"))),
}
