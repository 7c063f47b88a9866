"""What a user's other threads were before an operation, to see whether it changes them too."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chatkit_scaffold.protocol.exchange import Exchange, ids, rows, text_at

Call = Callable[..., Awaitable[Exchange]]
"""Sends an operation; see `Chatkit.call`."""
ALL = 9999
"""The `limit` with which the official client lists threads."""
_OBSERVED = frozenset({"threads.update", "threads.delete", "threads.retry_after_item"})
_EXAMINED = 3
"""How many missing threads to read before they count as deleted."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The other threads before an operation.

    Attributes:
        operation: The operation.
        titles: The threads on the first page of the list, with their titles.
        items: Before a retry, the ids of the items of the oldest of them, which is the likeliest to
            have been there before the run.
    """

    operation: str
    titles: dict[str, Any]
    items: dict[str, list[str]]

    async def harm(self, call: Call, params: Mapping[str, Any]) -> str:
        """Return what the operation has done to the other threads; empty if nothing."""
        if self.operation == "threads.retry_after_item":
            return await self._lost_items(call)
        threads = await call("threads.list", limit=ALL, order="desc")
        after = _titles(threads)
        if self.operation == "threads.update":
            title = params.get("title")
            renamed = [
                thread_id
                for thread_id, before in self.titles.items()
                if before != title and after.get(thread_id) == title
            ]
            return f"renamed as well: {renamed[:_EXAMINED]}" if renamed else ""
        missing = [thread_id for thread_id in self.titles if thread_id not in after]
        return await self._deleted(call, missing) if threads.ok else ""

    async def _lost_items(self, call: Call) -> str:
        for thread_id, before in self.items.items():
            read = await call("threads.get_by_id", thread_id=thread_id)
            lost = set(before) - set(_item_ids(read))
            if lost and (read.ok or read.is_client_error):
                return f"{len(lost)} items of thread {thread_id} are gone as well"
        return ""

    async def _deleted(self, call: Call, missing: list[str]) -> str:
        for thread_id in missing[:_EXAMINED]:
            # Other rows may have pushed it off the first page.
            if (await call("threads.get_by_id", thread_id=thread_id)).is_error:
                return f"deleted as well: {missing[:_EXAMINED]}"
        return ""


async def take_snapshot(call: Call, operation: str, thread_id: str) -> Snapshot | None:
    """Look at the user's threads other than *thread_id*.

    Returns:
        None if there are no others, or if the operation does not need to be observed.
    """
    if operation not in _OBSERVED:
        return None
    titles = _titles(await call("threads.list", limit=ALL, order="desc"))
    titles.pop(thread_id, None)
    items: dict[str, list[str]] = {}
    if operation == "threads.retry_after_item":
        for other in list(titles)[-1:]:
            items[other] = _item_ids(await call("threads.get_by_id", thread_id=other))
    return Snapshot(operation, titles, items) if titles else None


def _titles(threads: Exchange) -> dict[str, Any]:
    found = rows(threads.json, "data")
    return {thread_id: row.get("title") for row in found if (thread_id := text_at(row, "id"))}


def _item_ids(read: Exchange) -> list[str]:
    return ids(rows(read.json, "items", "data"))
