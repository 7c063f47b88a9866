"""Small JSON documents of the application, in the memory of this process."""

import copy
import time
from typing import Any

from app.base import ChatStore

PURGE_PAUSE = 60.0
"""Seconds between two deletions of documents that have expired."""

Value = dict[str, Any]


class Records:
    """Keeps documents by kind, owner and key. No method awaits, so every change is atomic."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], dict[str, tuple[Value, float | None]]] = {}
        self._next_purge = 0.0

    async def add(
        self, kind: str, owner: str, key: str, value: Value, expires_at: float | None = None
    ) -> bool:
        """Save a document that does not exist yet; return False if it does.

        Args:
            kind: What it is, such as `accounts`.
            owner: Whose it is.
            key: Which of the owner's documents it is.
            value: The document.
            expires_at: After this time, in Unix seconds, it counts as missing.
        """
        self._purge()
        if key in self._valid(kind, owner):
            return False
        records = self._records.setdefault((kind, owner), {})
        records[key] = (copy.deepcopy(value), expires_at)
        return True

    async def load(self, kind: str, owner: str, key: str) -> Value | None:
        """Return a document, or None if there is none."""
        return copy.deepcopy(self._valid(kind, owner).get(key))

    async def replace(self, kind: str, owner: str, key: str, value: Value, was: Value) -> bool:
        """Replace a document unless someone else has changed it; return whether it was replaced.

        Args:
            kind: What it is.
            owner: Whose it is.
            key: Which it is.
            value: The new document.
            was: The document that is to be replaced, as it was loaded.
        """
        if self._valid(kind, owner).get(key) != was:
            return False
        records = self._records[kind, owner]
        records[key] = (copy.deepcopy(value), records[key][1])
        return True

    async def delete(self, kind: str, owner: str, key: str) -> bool:
        """Delete a document; return whether there was one."""
        found = key in self._valid(kind, owner)
        self._records.get((kind, owner), {}).pop(key, None)
        return found

    async def listed(self, kind: str, owner: str, limit: int) -> list[tuple[str, Value]]:
        """Return up to *limit* of an owner's documents by key, oldest first."""
        return [(key, copy.deepcopy(value)) for key, value in self._valid(kind, owner).items()][
            :limit
        ]

    async def delete_all(self, kind: str, owner: str) -> int:
        """Delete the owner's documents of a kind; return how many there were."""
        count = len(self._valid(kind, owner))
        self._records.pop((kind, owner), None)
        return count

    def _valid(self, kind: str, owner: str) -> dict[str, Value]:
        now = time.time()
        records = self._records.get((kind, owner), {})
        return {key: value for key, (value, end) in records.items() if end is None or end > now}

    def _purge(self) -> None:
        """Delete what has expired, once in a while."""
        now = time.time()
        if now < self._next_purge:
            return
        self._next_purge = now + PURGE_PAUSE
        for group, records in list(self._records.items()):
            for key, (_, end) in list(records.items()):
                if end is not None and end <= now:
                    del records[key]
            if not records:
                del self._records[group]


def records_of(store: ChatStore) -> Records:
    """Return new records, which end with the process like the store's conversations."""
    return Records()
