"""Keeps conversations in the memory of this process; they end with it."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from chatkit.store import NotFoundError
from chatkit.types import FeedbackKind, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter, field_validator

from app.base import ChatStore, RequestContext
from app.common_settings import CommonSettings

MAX_PAGE = 10_000
"""Maximum entries of a page; the ChatKit client requests 9999 threads at once."""

_THREAD_FIELDS = set(ThreadMetadata.model_fields) - {"title"}
_ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)

Entry = TypeVar("Entry")
Loaded = TypeVar("Loaded")


class StoreSettings(CommonSettings):
    """The memory needs no settings, and no other process sees it."""

    @field_validator("workers")
    @classmethod
    def require_one_process(cls, value: int) -> int:
        """Reject several processes: each would have conversations of its own."""
        if value > 1:
            raise ValueError("must be 1: processes do not share conversations in memory")
        return value


@asynccontextmanager
async def open_store(settings: StoreSettings) -> AsyncIterator[ChatStore]:
    """Open an empty store."""
    yield MemoryStore()


class Series(Generic[Entry]):
    """Entries by id, in the order in which they were first put in."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[int, Entry]] = {}
        self._order: list[tuple[int, str]] = []
        """Sorted by number, so that a page is found by bisection."""
        self._last = 0

    def get(self, key: str) -> Entry:
        """Return an entry.

        Raises:
            NotFoundError: There is none with this id.
        """
        if key not in self._entries:
            raise NotFoundError(key)
        return self._entries[key][1]

    def put(self, key: str, entry: Entry) -> None:
        """Replace an entry where it stands, or append it."""
        if key in self._entries:
            number, _ = self._entries[key]
        else:
            number = self._last = self._last + 1
            self._order.append((number, key))
        self._entries[key] = (number, entry)

    def remove(self, key: str) -> None:
        """Remove an entry, if there is one."""
        if key in self._entries:
            del self._order[self._position(key)]
            del self._entries[key]

    def page(
        self, after: str | None, limit: int, order: str, load: Callable[[Entry], Loaded]
    ) -> Page[Loaded]:
        """Return up to *limit* entries after the one called *after*.

        Raises:
            NotFoundError: There is no entry called *after*.
        """
        limit = min(max(limit, 1), MAX_PAGE)
        if order == "asc":
            begin = 0 if after is None else self._position(after) + 1
            keys = [key for _, key in self._order[begin : begin + limit]]
            more = begin + limit < len(self._order)
        else:
            end = len(self._order) if after is None else self._position(after)
            keys = [key for _, key in reversed(self._order[max(end - limit, 0) : end])]
            more = end > limit
        data = [load(self.get(key)) for key in keys]
        return Page(data=data, has_more=more, after=keys[-1] if more else None)

    def _position(self, key: str) -> int:
        self.get(key)
        return bisect_left(self._order, (self._entries[key][0], key))


@dataclass
class StoredThread:
    """A thread, as text like its items: the SDK goes on changing the objects that it saves."""

    payload: str
    title: str | None = None
    items: Series[str] = field(default_factory=Series)
    feedback: dict[str, FeedbackKind] = field(default_factory=dict)

    def load(self) -> ThreadMetadata:
        """Return a new object each time."""
        thread = ThreadMetadata.model_validate_json(self.payload)
        thread.title = self.title
        return thread


class MemoryStore(ChatStore):
    """Keeps threads by user. No method awaits, so every change is atomic."""

    shared = False

    def __init__(self) -> None:
        self._threads: defaultdict[str, Series[StoredThread]] = defaultdict(Series)
        self._owners: dict[str, str] = {}

    async def load_thread(self, thread_id: str, context: RequestContext) -> ThreadMetadata:
        """Return the user's thread."""
        return self._thread(thread_id, context).load()

    async def save_thread(self, thread: ThreadMetadata, context: RequestContext) -> None:
        """Replace the user's thread, except for its title, or create it."""
        # The SDK also hands over a `Thread`, whose page of items must not be kept.
        payload = thread.model_dump_json(include=_THREAD_FIELDS)
        if thread.id in self._owners:
            stored = self._thread(thread.id, context)
            stored.payload = payload
            stored.title = thread.title if stored.title is None else stored.title
        else:
            self._owners[thread.id] = context.user_id
            self._threads[context.user_id].put(thread.id, StoredThread(payload, thread.title))

    async def rename_thread(
        self, thread_id: str, title: str, context: RequestContext
    ) -> ThreadMetadata:
        """Set the title of the user's thread, whatever it was."""
        thread = self._thread(thread_id, context)
        thread.title = title
        return thread.load()

    async def propose_title(self, thread_id: str, title: str, context: RequestContext) -> str:
        """Set the title of the user's thread if it has none; return the one it has now."""
        thread = self._thread(thread_id, context)
        if thread.title is None:
            thread.title = title
        return thread.title

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: RequestContext
    ) -> Page[ThreadMetadata]:
        """Return a page of the user's threads."""
        threads = self._threads.get(context.user_id, Series[StoredThread]())
        return threads.page(after, limit, order, StoredThread.load)

    async def delete_thread(self, thread_id: str, context: RequestContext) -> None:
        """Delete the user's thread, its items and their feedback."""
        self._thread(thread_id, context)
        self._threads[context.user_id].remove(thread_id)
        del self._owners[thread_id]

    async def load_item(self, thread_id: str, item_id: str, context: RequestContext) -> ThreadItem:
        """Return an item of the user's thread."""
        return _ITEM.validate_json(self._thread(thread_id, context).items.get(item_id))

    async def add_thread_item(
        self, thread_id: str, item: ThreadItem, context: RequestContext
    ) -> None:
        """Save the item; one that continues over several turns is added again."""
        await self.save_item(thread_id, item, context)

    async def save_item(self, thread_id: str, item: ThreadItem, context: RequestContext) -> None:
        """Replace the item where it stands, or append it to the user's thread."""
        self._thread(thread_id, context).items.put(item.id, item.model_dump_json())

    async def load_thread_items(
        self,
        thread_id: str,
        after: str | None,
        limit: int,
        order: str,
        context: RequestContext,
    ) -> Page[ThreadItem]:
        """Return a page of the items of the user's thread."""
        items = self._thread(thread_id, context).items
        return items.page(after, limit, order, _ITEM.validate_json)

    async def delete_thread_item(
        self, thread_id: str, item_id: str, context: RequestContext
    ) -> None:
        """Delete the item, if there is one: the SDK also removes items it never stored."""
        thread = self._thread(thread_id, context)
        thread.items.remove(item_id)
        thread.feedback.pop(item_id, None)

    async def save_feedback(
        self,
        thread_id: str,
        item_ids: Sequence[str],
        kind: FeedbackKind,
        context: RequestContext,
    ) -> None:
        """Replace the user's feedback on each item."""
        thread = self._thread(thread_id, context)
        for item_id in item_ids:
            thread.items.get(item_id)
        thread.feedback.update(dict.fromkeys(item_ids, kind))

    async def load_feedback(
        self, thread_id: str, context: RequestContext
    ) -> dict[str, FeedbackKind]:
        """Return the feedback in the user's thread by item id."""
        return dict(self._thread(thread_id, context).feedback)

    async def ping(self) -> str | None:
        """Return: memory is always available."""
        return None

    def _thread(self, thread_id: str, context: RequestContext) -> StoredThread:
        if self._owners.get(thread_id) != context.user_id:
            raise NotFoundError(thread_id)
        return self._threads[context.user_id].get(thread_id)
