"""What a backend has acknowledged to its clients, and a comparison with what it stores."""

from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import pairwise
from typing import Any

from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange, item_text, rows

Item = dict[str, Any]


@dataclass(slots=True)
class Ledger:
    """Collects what a backend has acknowledged.

    Attributes:
        items: Finished items by thread and id; a thread is here from `thread.created` on.
        titles: By thread, the last acknowledged title and those sent since then, of which any may
            be stored.
        feedback: By thread and item, the acknowledged verdict.
        deleted: Threads whose deletion was acknowledged.
        acknowledged: How many acknowledgements of each kind there were.
    """

    items: dict[str, dict[str, Item]] = field(default_factory=dict)
    titles: dict[str, list[str]] = field(default_factory=dict)
    feedback: dict[tuple[str, str], str] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    acknowledged: Counter[str] = field(default_factory=Counter)

    def note_stream(self, exchange: Exchange) -> None:
        """Note what the events of a stream acknowledge, as far as the stream came."""
        for event in exchange.events_of_type("thread.created"):
            self.items[event["thread"]["id"]] = {}
            self.acknowledged["threads"] += 1
        for item in exchange.items:
            self.items[item["thread_id"]][item["id"]] = item
            kind = "messages" if item["type"] == "user_message" else "answers"
            self.acknowledged[kind] += 1

    async def rename(self, chatkit: Chatkit, thread_id: str, title: str) -> None:
        """Rename a thread."""
        if thread_id in self.titles:
            self.titles[thread_id].append(title)
        response = await chatkit.call("threads.update", thread_id=thread_id, title=title)
        if response.ok:
            self.titles[thread_id] = [title]
            self.acknowledged["titles"] += 1

    async def rate(self, chatkit: Chatkit, thread_id: str, item_id: str, kind: str) -> None:
        """Give feedback on an item, once."""
        response = await chatkit.call(
            "items.feedback", thread_id=thread_id, item_ids=[item_id], kind=kind
        )
        if response.ok:
            self.feedback[thread_id, item_id] = kind
            self.acknowledged["verdicts"] += 1

    async def delete(self, chatkit: Chatkit, thread_id: str) -> None:
        """Delete a thread."""
        # Until the response, it may be there or not: nothing can be said about it.
        del self.items[thread_id]
        response = await chatkit.call("threads.delete", thread_id=thread_id)
        if response.ok:
            self.deleted.add(thread_id)
            self.acknowledged["deletions"] += 1

    async def faults(self, chatkit: Chatkit, thread_id: str) -> list[str]:
        """Read a thread and return how it differs from what was acknowledged."""
        thread = await chatkit.call("threads.get_by_id", thread_id=thread_id)
        if thread_id in self.deleted:
            return [] if thread.status == HTTPStatus.NOT_FOUND else [f"not deleted: {thread.got}"]
        if not thread.ok:
            return [f"{thread_id} was created: {thread.got}"]
        page = await chatkit.call("items.list", thread_id=thread_id, order="asc", limit=9999)
        faults = item_faults(rows(page.json, "data"), self.items[thread_id])
        title = thread.json.get("title")
        if title not in self.titles.get(thread_id, [title]):
            faults.append(f"{title!r} is the title, not one of {self.titles[thread_id]}")
        return faults

    def __str__(self) -> str:
        """Return the number of acknowledgements, in all and by kind."""
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in self.acknowledged.items())
        return f"{self.acknowledged.total():,} acknowledgements ({kinds})"


def item_faults(stored: list[Item], acknowledged: dict[str, Item]) -> list[str]:
    """Return what of *acknowledged* is missing or changed, and what is doubled or out of order."""
    kept = {item["id"]: item for item in stored}
    lost = [item for item_id, item in acknowledged.items() if kept.get(item_id) != item]
    ids = Counter(item["id"] for item in stored)
    messages = Counter(item_text(item) for item in stored if item["type"] == "user_message")
    return [
        *(f"not stored as it was acknowledged: {item}" for item in lost),
        *(f"stored {number} times: {item_id}" for item_id, number in ids.items() if number > 1),
        *(f"stored {number} times: {text}" for text, number in messages.items() if number > 1),
        *order_faults(stored),
    ]


def order_faults(stored: list[Item]) -> list[str]:
    """Return the answers that do not directly follow their question.

    The echo agent answers in the question's own words, so that each answer names its question.
    """
    faults = []
    for before, item in pairwise([None, *stored]):
        if item is None or item["type"] != "assistant_message":
            continue
        asked = item_text(before) if before and before["type"] == "user_message" else None
        if item_text(item) != f"You said: {asked}":
            faults.append(f"{item_text(item)!r} is stored after {asked!r}")
    return faults
