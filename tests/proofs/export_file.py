"""Writes a file like that of `python -m app export`, by the description of its format alone."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ITEMS = 20
"""Of each thread."""
THREADS = 5
"""Of each user."""
TEXT = 'A "reply" with \\ and \x00, Zoë, 安娜 and \N{SLEUTH OR SPY}. ' * 3
TIME = "2026-03-29T02:30:00.123456"
EXPIRES_AT = 4102444800.125
"""Unix seconds; in the year 2100."""


@dataclass(frozen=True, slots=True)
class ExportFile:
    """An export.

    Attributes:
        path: The file.
        counts: How many there are of what.
        digest: The hash of what every store keeps.
    """

    path: Path
    counts: dict[str, int]
    digest: str


def write_export(path: Path, items: int) -> ExportFile:
    """Write conversations with a number of items, and documents of their users."""
    digest, checksum = hashlib.sha256(), hashlib.sha256()
    counts = Counter(threads=0, items=0, feedback=0, records=0)
    with path.open("wb") as file:
        header = to_line({"type": "header", "format": "chatkit-backend", "version": 1})
        checksum.update(header)
        file.write(header)
        for entry in entries(items // ITEMS // THREADS):
            line = to_line(entry)
            checksum.update(line)
            counts[f"{entry['type']}s"] += 1
            counts["feedback"] += "feedback" in entry
            # The time of feedback is not part of the digest: not every store keeps it.
            entry.pop("rated_at", None)
            digest.update(to_line(entry))
            file.write(line)
        footer = {
            "type": "footer",
            "counts": counts,
            "digest": digest.hexdigest(),
            "checksum": checksum.hexdigest(),
        }
        file.write(to_line(footer))
    return ExportFile(path, dict(counts), digest.hexdigest())


def to_line(entry: dict[str, Any]) -> bytes:
    """Return JSON without spaces, and a line end."""
    text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
    return f"{text}\n".encode()


def entries(users: int) -> Iterator[dict[str, Any]]:
    """Return all entries in their order."""
    # Some databases sort an uppercase letter, or one with an accent, beside the lowercase one.
    names = sorted(f"{'aAäb'[number % 4]}_{number}" for number in range(users))
    for user in names:
        for number in range(THREADS):
            yield from conversation(user, f"{user}:{number}")
    for kind, key in (("accounts", "account"), ("sessions", "z"), ("tasks", "t")):
        for user in names:
            yield from documents(kind, user, key)


def conversation(user: str, thread: str) -> Iterator[dict[str, Any]]:
    """Return a thread and its items."""
    value: dict[str, Any] = {"id": thread, "created_at": TIME}
    value |= {"status": {"type": "active"}, "metadata": {"n": 1.5}}
    yield {"type": "thread", "user": user, "id": thread, "title": f"Of {user}", "value": value}
    for place in range(1, ITEMS + 1):
        # Not in the order of their places, and the same in all threads.
        item = f"msg_{(place * 7) % ITEMS}"
        content = [{"type": "output_text", "text": f"{place} {TEXT}", "annotations": []}]
        value = {"id": item, "thread_id": thread, "created_at": TIME}
        value |= {"type": "assistant_message", "content": content}
        rated = {"feedback": "positive", "rated_at": f"{TIME}Z"} if place % 7 == 0 else {}
        named = {"type": "item", "user": user, "thread": thread, "place": place, "id": item}
        yield {**named, **rated, "value": value}


def documents(kind: str, owner: str, key: str) -> Iterator[dict[str, Any]]:
    """Return documents of one owner; only some of them expire."""
    named = {"type": "record", "kind": kind, "owner": owner}
    yield {**named, "key": key, "value": {"a": owner, "b": 1}}
    yield {**named, "key": "a", "expires_at": EXPIRES_AT, "value": {"text": TEXT}}
