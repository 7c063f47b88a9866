"""Keeps conversations in one file: every change is a line at its end."""

import asyncio
import fcntl
import json
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any, TypeVar

from chatkit.store import NotFoundError
from chatkit.types import FeedbackKind, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter

from app.base import ChatStore, RequestContext, StoreUnavailableError
from app.common_settings import CommonSettings
from app.errors import StartupError

MAX_PAGE = 10_000
"""Most entries of one page; the ChatKit client asks for 9999 threads at once."""

_PATIENCE = 1.0
"""Seconds that a write waits for a process that has locked the file."""

_THREAD_FIELDS = set(ThreadMetadata.model_fields) - {"title"}
_ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)

Entry = TypeVar("Entry")
Loaded = TypeVar("Loaded")


class StoreSettings(CommonSettings):
    """Where the file is."""

    shelf_path: Path = Path("shelf.db")
    """Created if it does not exist; its folder must."""


@asynccontextmanager
async def open_store(settings: StoreSettings) -> AsyncIterator[ChatStore]:
    """Open the file.

    Raises:
        StartupError: The file cannot be opened.
    """
    try:
        file = FileIO(settings.shelf_path, "a+")
    except OSError as error:
        raise StartupError(f"SHELF_PATH cannot be opened: {error.strerror}") from None
    with file:
        yield Shelf(file, settings.shelf_path)


@dataclass
class Conversation:
    """A thread with its items, as JSON: the SDK goes on changing the objects it hands over."""

    thread: str = ""
    title: str | None = None
    items: dict[str, str] = field(default_factory=dict)
    feedback: dict[str, FeedbackKind] = field(default_factory=dict)

    def load(self) -> ThreadMetadata:
        """Return a new object each time."""
        thread = ThreadMetadata.model_validate_json(self.thread)
        thread.title = self.title
        return thread


class Shelf(ChatStore):
    """Knows what it has read of the file, and reads on before it answers or writes.

    Nothing is awaited while the file is locked, so a cancelled write is whole or absent.
    """

    def __init__(self, file: FileIO, path: Path) -> None:
        self.path = path
        self._file = file
        self._end = 0
        """Where the last line that was read ends, in bytes."""
        self._owners: dict[str, str] = {}
        self._threads: defaultdict[str, dict[str, Conversation]] = defaultdict(dict)

    async def load_thread(self, thread_id: str, context: RequestContext) -> ThreadMetadata:
        """Return the user's thread."""
        return self._read(thread_id, context).load()

    async def save_thread(self, thread: ThreadMetadata, context: RequestContext) -> None:
        """Replace the user's thread where it stands, except for its title, or append it."""
        async with self._writing():
            title = thread.title
            if thread.id in self._owners:
                stored = self._find(thread.id, context).title
                title = title if stored is None else stored
            # The SDK also hands over a `Thread`, whose page of items must not be kept.
            payload = thread.model_dump_json(include=_THREAD_FIELDS)
            self._append("thread", context.user_id, thread.id, payload, title)

    async def rename_thread(
        self, thread_id: str, title: str, context: RequestContext
    ) -> ThreadMetadata:
        """Set the title of the user's thread, whatever it was."""
        await self._change(context, "title", thread_id, title)
        return await self.load_thread(thread_id, context)

    async def propose_title(self, thread_id: str, title: str, context: RequestContext) -> str:
        """Set the title of the user's thread if it has none; return the one it has now."""
        async with self._writing():
            stored = self._find(thread_id, context).title
            if stored is None:
                self._append("title", context.user_id, thread_id, title)
            return title if stored is None else stored

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: RequestContext
    ) -> Page[ThreadMetadata]:
        """Return a page of the user's threads."""
        self._read_on()
        threads = self._threads.get(context.user_id, {})
        return page(threads, after, limit, order, Conversation.load)

    async def delete_thread(self, thread_id: str, context: RequestContext) -> None:
        """Delete the user's thread, its items and their feedback."""
        await self._change(context, "no thread", thread_id)

    async def load_item(self, thread_id: str, item_id: str, context: RequestContext) -> ThreadItem:
        """Return an item of the user's thread."""
        return _ITEM.validate_json(lookup(self._read(thread_id, context).items, item_id))

    async def add_thread_item(
        self, thread_id: str, item: ThreadItem, context: RequestContext
    ) -> None:
        """Save the item; one that continues over several turns is added again."""
        await self.save_item(thread_id, item, context)

    async def save_item(self, thread_id: str, item: ThreadItem, context: RequestContext) -> None:
        """Replace the item where it stands, or append it to the user's thread."""
        await self._change(context, "item", thread_id, item.id, item.model_dump_json())

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: RequestContext
    ) -> Page[ThreadItem]:
        """Return a page of the items of the user's thread."""
        items = self._read(thread_id, context).items
        return page(items, after, limit, order, _ITEM.validate_json)

    async def delete_thread_item(
        self, thread_id: str, item_id: str, context: RequestContext
    ) -> None:
        """Delete the item, if there is one: the SDK also removes items it never stored."""
        await self._change(context, "no item", thread_id, item_id)

    async def save_feedback(
        self, thread_id: str, item_ids: Sequence[str], kind: FeedbackKind, context: RequestContext
    ) -> None:
        """Replace the user's verdict on each item."""
        async with self._writing():
            items = self._find(thread_id, context).items
            for item_id in item_ids:
                lookup(items, item_id)
            self._append("feedback", context.user_id, thread_id, list(item_ids), kind)

    async def load_feedback(
        self, thread_id: str, context: RequestContext
    ) -> dict[str, FeedbackKind]:
        """Return the verdicts in the user's thread by item id."""
        return dict(self._read(thread_id, context).feedback)

    async def ping(self) -> str | None:
        """Return when the file can be written.

        Raises:
            StoreUnavailableError: Another process keeps it locked.
        """
        async with self._writing():
            return None

    async def _change(self, context: RequestContext, kind: str, thread_id: str, *rest: str) -> None:
        """Append a change of a thread that exists."""
        async with self._writing():
            self._find(thread_id, context)
            self._append(kind, context.user_id, thread_id, *rest)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        """Lock the file and read what others have written; nothing may be awaited inside.

        Raises:
            StoreUnavailableError: Another process keeps the file locked.
        """
        deadline = time.monotonic() + _PATIENCE
        while not self._lock():
            if time.monotonic() > deadline:
                raise StoreUnavailableError("another process keeps the file locked")
            await asyncio.sleep(0.02)
        try:
            self._read_on()
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _lock(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _append(self, *change: Any) -> None:
        line = json.dumps(change).encode() + b"\n"
        try:
            # A crash, or a full disk, may have left a part of a line.
            self._file.truncate(self._end)
            self._file.write(line)
            os.fsync(self._file)
        except OSError as error:
            raise StoreUnavailableError(f"the file cannot be written: {error.strerror}") from error
        self._read_on()

    def _read(self, thread_id: str, context: RequestContext) -> Conversation:
        self._read_on()
        return self._find(thread_id, context)

    def _find(self, thread_id: str, context: RequestContext) -> Conversation:
        return lookup(self._threads.get(context.user_id, {}), thread_id)

    def _read_on(self) -> None:
        self._file.seek(self._end)
        # What follows the last line's end is being written, or was never finished.
        *lines, _ = self._file.readall().split(b"\n")
        for line in lines:
            self._apply(json.loads(line))
            self._end += len(line) + 1

    def _apply(self, change: list[Any]) -> None:
        kind, user_id, thread_id, *rest = change
        if kind == "thread":
            self._owners[thread_id] = user_id
            stored = self._threads[user_id].setdefault(thread_id, Conversation())
            stored.thread, stored.title = rest
            return
        conversation = self._threads[user_id][thread_id]
        match kind, *rest:
            case ("no thread",):
                del self._threads[user_id][thread_id], self._owners[thread_id]
            case "title", title:
                conversation.title = title
            case "item", item_id, payload:
                conversation.items[item_id] = payload
            case "no item", item_id:
                conversation.items.pop(item_id, None)
                conversation.feedback.pop(item_id, None)
            case "feedback", item_ids, verdict:
                conversation.feedback.update(dict.fromkeys(item_ids, verdict))


def lookup(entries: Mapping[str, Entry], key: str) -> Entry:
    """Return an entry.

    Raises:
        NotFoundError: There is none with this id.
    """
    if key not in entries:
        raise NotFoundError(key)
    return entries[key]


def page(
    entries: Mapping[str, Entry],
    after: str | None,
    limit: int,
    order: str,
    load: Callable[[Entry], Loaded],
) -> Page[Loaded]:
    """Return at most *limit* entries behind the one called *after*.

    Raises:
        NotFoundError: There is no entry called *after*.
    """
    keys = list(entries) if order == "asc" else list(entries)[::-1]
    if after is not None:
        lookup(entries, after)
        del keys[: keys.index(after) + 1]
    shown = keys[: min(max(limit, 1), MAX_PAGE)]
    more = len(keys) > len(shown)
    data = [load(entries[key]) for key in shown]
    return Page(data=data, has_more=more, after=shown[-1] if more else None)
