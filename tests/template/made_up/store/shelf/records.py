"""Small JSON documents of the application, in a file beside the store's."""

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.base import ChatStore
from app.store import Shelf

Value = dict[str, Any]
Entries = dict[str, tuple[Value, float | None]]


class Records:
    """Keeps documents by kind, owner and key; nothing is awaited while the file is locked."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def add(
        self, kind: str, owner: str, key: str, value: Value, expires_at: float | None = None
    ) -> bool:
        """Save a document that does not exist yet; return False if it does."""
        with self._entries(kind, owner) as entries:
            if key in entries:
                return False
            entries[key] = (value, expires_at)
            return True

    async def load(self, kind: str, owner: str, key: str) -> Value | None:
        """Return a document, or None if there is none."""
        with self._entries(kind, owner) as entries:
            return entries[key][0] if key in entries else None

    async def replace(self, kind: str, owner: str, key: str, value: Value, was: Value) -> bool:
        """Replace a document unless someone else has changed it."""
        with self._entries(kind, owner) as entries:
            if key not in entries or entries[key][0] != was:
                return False
            entries[key] = (value, entries[key][1])
            return True

    async def delete(self, kind: str, owner: str, key: str) -> bool:
        """Delete a document; return whether there was one."""
        with self._entries(kind, owner) as entries:
            return entries.pop(key, None) is not None

    async def listed(self, kind: str, owner: str, limit: int) -> list[tuple[str, Value]]:
        """Return up to *limit* of an owner's documents by key, oldest first."""
        with self._entries(kind, owner) as entries:
            return [(key, value) for key, (value, _) in entries.items()][:limit]

    async def delete_all(self, kind: str, owner: str) -> int:
        """Delete the owner's documents of a kind; return how many there were."""
        with self._entries(kind, owner) as entries:
            count = len(entries)
            entries.clear()
            return count

    @contextmanager
    def _entries(self, kind: str, owner: str) -> Iterator[Entries]:
        """Lock the file, and write what has changed at the end."""
        with self._path.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            content: dict[str, Entries] = json.loads(file.read() or "{}")
            name, now = json.dumps([kind, owner]), time.time()
            found = content.get(name, {})
            entries = {
                key: (one, end) for key, (one, end) in found.items() if (end or now + 1) > now
            }
            yield entries
            file.truncate(0)
            file.write(json.dumps(content | {name: entries}))


def records_of(store: ChatStore) -> Records:
    """Return the records beside the store's file."""
    if not isinstance(store, Shelf):
        raise TypeError(f"{type(store).__name__} keeps no records")
    return Records(store.path.with_suffix(".records.db"))
