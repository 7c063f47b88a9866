"""Reads all conversations in Redis for an export, and adds those of an import."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

from pydantic_core import to_json

from app.entries import Entry, Item, Section, Thread, parse_value
from app.errors import StartupError
from app.redis_store import scripts
from app.redis_store.keys import THREADS, key_of_lease, keys_of_thread, keys_of_user
from app.redis_store.server import Call, RedisServer

ROWS = 50
"""How many threads or items are read at once."""
NAMES = 100_000
"""How many names of keys are sorted at once."""


@dataclass(frozen=True)
class Link:
    """The connections of an export or an import.

    Attributes:
        server: The connections.
        lifetime: How long a thread is kept after the import, in milliseconds; 0: forever.
    """

    server: RedisServer
    lifetime: int

    def conversations(self) -> Section:
        """Return the threads with their items and feedback."""
        return Conversations(self)


class Conversations:
    """All threads with their items and feedback."""

    kinds: tuple[type[Entry], ...] = (Thread, Item)

    def __init__(self, link: Link) -> None:
        self._server = link.server
        self._lifetime = link.lifetime

    def fit(self, entry: Entry) -> Entry:
        """Remove the time of feedback, which Redis has no place for."""
        if isinstance(entry, Item) and entry.rated_at is not None:
            return entry.model_copy(update={"rated_at": None})
        return entry

    async def dump(self) -> AsyncIterator[Entry]:
        """Read all threads, each before its items."""
        async for user in names_after(self._server, THREADS):
            async for thread_id in self._threads(user):
                async for entry in self._conversation(user, thread_id):
                    yield entry

    async def is_empty(self) -> bool:
        """Return whether there is no thread."""
        return await has_no_keys(self._server, THREADS)

    async def find(self, entries: Sequence[Entry]) -> Collection[Entry]:
        """Return the threads and items of the same names."""
        threads = [entry for entry in entries if isinstance(entry, Thread)]
        items = [entry for entry in entries if isinstance(entry, Item)]
        found = await self._server.execute_all(
            [(scripts.FIND_THREAD, keys_of_thread(thread.id)[:1], []) for thread in threads]
            + [(scripts.FIND_ITEM, keys_of_thread(item.thread), [item.id]) for item in items]
        )
        named: list[Thread | Item] = [*threads, *items]
        return [
            _found(entry, user, columns)
            for entry, (user, *columns) in zip(named, found, strict=True)
            if columns[0] is not None
        ]

    async def load(self, entries: Sequence[Entry]) -> None:
        """Add threads and items in one transaction.

        Raises:
            StartupError: An item's thread does not exist, or a thread is another user's.
        """
        calls = [call for entry in entries for call in self._adding(entry)]
        results = await self._server.execute_all(calls)
        if None in results:
            _, _, (user, thread_id, *_) = calls[results.index(None)]
            raise StartupError(f"the store has no thread {thread_id!r} of {user}")

    async def _threads(self, user: str) -> AsyncIterator[str]:
        """Read the ids of a user's threads, oldest first."""
        key, _ = keys_of_user(user)
        place = "0"
        while found := await self._server.execute(scripts.THREADS_AFTER, [key], [place, ROWS]):
            for thread_id in found[::2]:
                yield thread_id
            place = found[-1]

    async def _conversation(self, user: str, thread_id: str) -> AsyncIterator[Entry]:
        """Read a thread; nothing if it has expired, or was deleted since."""
        after, place = "0", 0
        while found := await self._page(user, thread_id, after):
            payload, title, items = found
            if place == 0:
                value = parse_value(payload)
                yield Thread(type="thread", user=user, id=thread_id, title=title, value=value)
            for _, *columns in items:
                place += 1
                yield _item(user, thread_id, place, columns)
            if len(items) < ROWS:
                return
            after = items[-1][0]

    async def _page(self, user: str, thread_id: str, after: str) -> Any:
        keys, common = self._about(user, thread_id)
        return await self._server.execute(scripts.CONVERSATION, keys, [*common, after, ROWS])

    def _adding(self, entry: Entry) -> list[Call]:
        """Return the scripts that the store itself would run."""
        match entry:
            case Thread():
                keys, common = self._about(entry.user, entry.id)
                title = ["0"] if entry.title is None else ["1", entry.title]
                payload = to_json(entry.value).decode()
                return [(scripts.SAVE_THREAD, keys, [*common, payload, *title])]
            case Item():
                keys, common = self._about(entry.user, entry.thread)
                payload = to_json(entry.value).decode()
                calls: list[Call] = [(scripts.SAVE_ITEM, keys, [*common, entry.id, payload])]
                if entry.feedback is not None:
                    rated = [*common, entry.feedback, entry.id]
                    calls.append((scripts.SAVE_FEEDBACK, keys, rated))
                return calls
            case _:
                return []

    def _about(self, user: str, thread_id: str) -> tuple[Sequence[str], Sequence[str | int]]:
        """Return the keys and the first arguments of a script about a thread."""
        keys = [*keys_of_thread(thread_id), *keys_of_user(user), key_of_lease(thread_id)]
        return keys, [user, thread_id, self._lifetime, ""]


async def names_after(server: RedisServer, prefix: str) -> AsyncIterator[str]:
    """Return what follows a prefix in the names of keys, each once and in order.

    Redis has no order, and names the same key more than once. However many there are, only some
    are sorted at once.
    """
    last = None
    while found := await _first_names(server, prefix, last):
        for last in found:
            yield last
        if len(found) < NAMES:
            return


async def _first_names(server: RedisServer, prefix: str, last: str | None) -> list[str]:
    found: set[str] = set()
    async for key in server.names(f"{prefix}*"):
        name = key.removeprefix(prefix)
        if last is None or name > last:
            found.add(name)
        if len(found) == 2 * NAMES:
            found = set(nsmallest(NAMES, found))
    return sorted(found)[:NAMES]


async def has_no_keys(server: RedisServer, prefix: str) -> bool:
    """Return whether no key's name begins with a prefix."""
    async for _ in server.names(f"{prefix}*"):
        return False
    return True


def _found(entry: Thread | Item, user: str, columns: Sequence[Any]) -> Entry:
    """Build what was found under the name of an entry."""
    if isinstance(entry, Item):
        place, *rest = columns
        return _item(user, entry.thread, int(place), rest)
    payload, title = columns
    value = parse_value(payload)
    return Thread(type="thread", user=user, id=entry.id, title=title, value=value)


def _item(user: str, thread_id: str, place: int, columns: Sequence[Any]) -> Item:
    item_id, payload, feedback = columns
    return Item(
        type="item",
        user=user,
        thread=thread_id,
        place=place,
        id=item_id,
        feedback=feedback,
        value=parse_value(payload),
    )
