"""Servers that harm a user's other conversations, and right ones that could seem to."""

# ruff: noqa: ARG001, SLF001 - these servers go wrong inside the store

import secrets
from collections.abc import Callable
from typing import Any

from chatkit.store import NotFoundError
from chatkit.types import UserMessageItem

from tests.conformance.servers.correct import Fault, Parts
from tests.conformance.servers.http_faults import operation
from tests.conformance.servers.middleware import BufferedResponse, Json, change_responses


def _deletes_all(parts: Parts) -> None:
    """Delete everything that the user has."""
    store = parts.store

    async def delete_thread(thread_id: str, context: Any) -> None:
        store._thread(thread_id, context)
        for one in _thread_ids(parts, context):
            store._threads[context.user_id].remove(one)
            del store._owners[one]

    store.delete_thread = delete_thread


def _renames_all(parts: Parts) -> None:
    """Give all threads of the user the title."""
    rename = parts.store.rename_thread

    async def rename_thread(thread_id: str, title: str, context: Any) -> Any:
        renamed = await rename(thread_id, title, context)
        for one in _thread_ids(parts, context):
            await rename(one, title, context)
        return renamed

    parts.store.rename_thread = rename_thread


def _retries_elsewhere(parts: Parts) -> None:
    """When a retry deletes an item, delete the newest one of another thread as well."""
    delete = parts.store.delete_thread_item

    async def delete_thread_item(thread_id: str, item_id: str, context: Any) -> None:
        await delete(thread_id, item_id, context)
        others = [one for one in _thread_ids(parts, context) if one != thread_id]
        for other in others[:1]:
            page = await parts.store.load_thread_items(other, None, 1, "desc", context)
            for item in page.data:
                await delete(other, item.id, context)

    parts.store.delete_thread_item = delete_thread_item


def aliased(*, as_requested: bool) -> Callable[[Parts], None]:
    """Treat every thread id as a name of the user's only conversation.

    Args:
        as_requested: Whether the conversation comes back under the id in the request, which
            makes it look like a thread of its own.
    """

    def inside(parts: Parts) -> None:
        store = parts.store
        load, save = store.load_thread, store.save_thread

        def only_thread(thread_id: str, context: Any) -> Any:
            if not (found := _thread_ids(parts, context)):
                raise NotFoundError(thread_id)
            return store._threads[context.user_id].get(found[0])

        async def load_thread(thread_id: str, context: Any) -> Any:
            thread = await load(thread_id, context)
            return thread.model_copy(update={"id": thread_id}) if as_requested else thread

        async def save_thread(thread: Any, context: Any) -> None:
            if not _thread_ids(parts, context):
                await save(thread, context)

        async def delete_thread(thread_id: str, context: Any) -> None:
            only_thread(thread_id, context)
            store._threads[context.user_id].remove(_thread_ids(parts, context)[0])

        store._thread, store.load_thread = only_thread, load_thread
        store.save_thread, store.delete_thread = save_thread, delete_thread

    return inside


def _thread_ids(parts: Parts, context: Any) -> list[str]:
    """Return the ids of the user's threads, oldest first."""
    return [key for _, key in parts.store._threads[context.user_id]._order]


def _deleted_without_body(request: Json, response: BufferedResponse) -> None:
    """Return 204 and nothing after a deletion."""
    if operation(request) == "threads.delete" and response.status == 200:
        response.status, response.body = 204, b""


def _ids_with_slashes(parts: Parts) -> None:
    """Use ids that look like paths."""
    parts.store.generate_thread_id = lambda context: f"{context.user_id}/{secrets.token_hex(16)}"


def shortens_text(parts: Parts) -> None:
    """Store at most ten characters of a message."""
    add = parts.store.add_thread_item

    async def add_thread_item(thread_id: str, item: Any, context: Any) -> None:
        if isinstance(item, UserMessageItem):
            content = [part.model_copy(update={"text": part.text[:10]}) for part in item.content]
            item = item.model_copy(update={"content": content})
        await add(thread_id, item, context)

    parts.store.add_thread_item = add_thread_item


def reads_without_items(request: Json, response: BufferedResponse) -> None:
    """Return a thread without its items."""
    if operation(request) == "threads.get_by_id" and response.status == 200:
        del response.body["items"]


def forbids_deletion(parts: Parts) -> None:
    """Refuse to delete threads."""

    async def delete_thread(thread_id: str, context: Any) -> None:
        raise PermissionError(thread_id)

    parts.store.delete_thread = delete_thread


FAULTS: dict[str, Fault] = {
    "threads-delete-only-one": Fault(patch=_deletes_all),
    "threads-rename-only-one": Fault(patch=_renames_all),
    "items-retry-only-one": Fault(patch=_retries_elsewhere),
}
ODD: dict[str, Fault] = {
    "204 after a deletion": Fault(middleware=change_responses(_deleted_without_body)),
    "ids with slashes": Fault(patch=_ids_with_slashes),
}
