"""Keeps a run from harming what the server stored before it."""

import json
from collections.abc import Mapping
from typing import Any

from chatkit_scaffold.protocol.exchange import Exchange, dig, ids, item_text, rows, text_at
from chatkit_scaffold.protocol.journal import Journal
from chatkit_scaffold.protocol.limits import InconclusiveError
from chatkit_scaffold.protocol.snapshot import ALL, Call, Snapshot, take_snapshot

READING = frozenset({"threads.get_by_id", "threads.list", "items.list"})
"""Operations that change nothing."""
_REPLACING = frozenset(
    {"threads.update", "threads.delete", "threads.retry_after_item", "items.feedback"}
)
"""Operations that overwrite or remove something of a thread; others only add to it."""
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_WRITES = "it writes, and --read-only was passed"
_MOST_PAGES = 10


class ReadOnlyError(InconclusiveError):
    """A request was not sent: it might write, and the run must not."""


class UnsafeError(InconclusiveError):
    """A request was not sent: it might change a thread that the run did not create."""


def require_reading(method: str, content: bytes) -> None:
    """Let a request pass only if no server writes anything for it.

    An unknown operation does not pass, because backends without the SDK have their own.

    Raises:
        ReadOnlyError: The request might write.
    """
    try:
        operation = dig(json.loads(content), "type")
    except (ValueError, RecursionError):
        operation = None
    is_reading = isinstance(operation, str) and operation in READING
    if method not in _SAFE_METHODS and operation is not None and not is_reading:
        raise ReadOnlyError(_WRITES)


class Guard:
    """Decides what a user may send in a careful run, by what the server has returned so far.

    A thread may be renamed, retried or deleted only after it was read back under its own id,
    with messages of this run and no others. An id that the user did not create may be written
    to only after the server has refused to read it. The first operation of each kind is
    observed: if it changes other threads as well, no second one is sent.

    Args:
        call: Sends an operation as this user; see `Chatkit.call`.
        journal: Shared by all users of the run.

    Attributes:
        created: The threads that the user has created, with those that a server made up for an
            id that did not exist.
        attachments: The attachments that the user has created and not deleted.
    """

    def __init__(self, call: Call, journal: Journal) -> None:
        self.created: dict[str, None] = {}
        self.attachments: dict[str, None] = {}
        self._call = call
        self._journal = journal
        self._found_before: set[str] = set()
        self._verified: set[str] = set()
        self._absent: set[str] = set()

    async def admit(self, operation: str, params: Mapping[str, Any]) -> Snapshot | None:
        """Return what to compare after the operation, if it is to be observed.

        Raises:
            ReadOnlyError: The run must not write.
            UnsafeError: The operation might change a thread that the run did not create.
        """
        if self._journal.read_only and operation not in READING:
            raise ReadOnlyError(_WRITES)
        if isinstance(message := params.get("input"), dict):
            self._remember(message)
        thread_id = params.get("thread_id")
        if not self._journal.careful or operation in READING or not isinstance(thread_id, str):
            return None
        observation = self._journal.observed.get(operation)
        if observation and observation.harm:
            raise UnsafeError(f"{operation} changes other threads too")
        if operation in _REPLACING or thread_id not in self.created:
            await self._require_safe(thread_id)
        if observation:
            return None
        return await take_snapshot(self._call, operation, thread_id)

    def note(self, exchange: Exchange, params: Mapping[str, Any]) -> None:
        """Learn from a response which threads the user has created, and which do not exist."""
        operation = exchange.operation
        for message in exchange.user_messages:
            self._remember(message)
        if operation == "threads.list":
            self._learn_from_list(ids(rows(exchange.json, "data")))
        self.created.update(dict.fromkeys(_created_by(operation, exchange)))
        self._note_attachment(exchange, params)
        thread_id = params.get("thread_id")
        if not isinstance(thread_id, str):
            return
        if thread_id in self._absent and exchange.is_success:
            self.created[thread_id] = None
        if operation == "threads.get_by_id" and exchange.ok and _has_all_items(exchange):
            self._judge(exchange, thread_id, rows(exchange.json, "items", "data"))
        is_refused = exchange.is_error and not exchange.is_refusal
        if operation == "threads.get_by_id" and is_refused and thread_id not in self.created:
            self._absent.add(thread_id)

    async def doubt(self, thread_id: str) -> str:
        """Return what is wrong with a thread, so that it must not be changed; empty if nothing."""
        if thread_id in self._verified:
            return ""
        read = await self._call("threads.get_by_id", thread_id=thread_id)
        if not read.ok:
            return "cannot be read back"
        if thread_id in self._verified:  # see `note`
            return ""
        return self._judge(read, thread_id, await self._all_items(read, thread_id))

    def _judge(self, read: Exchange, thread_id: str, items: list[dict[str, Any]]) -> str:
        """Return what is wrong with a thread that was read; remember it if nothing is."""
        if text_at(read.json, "id") != thread_id or thread_id in self._found_before:
            return "was there before the run"
        texts = [item_text(item) for item in items if item.get("type") == "user_message"]
        if not texts:
            return "is read back without the run's messages"
        if not self._journal.texts.issuperset(texts):
            return "has messages that the run did not send"
        self._verified.add(thread_id)
        return ""

    def _learn_from_list(self, listed: list[str]) -> None:
        if not self.created:
            self._found_before.update(listed)
        # A server may create a thread although it refuses the message to it.
        self.created.update(dict.fromkeys(one for one in listed if one in self._absent))

    def _note_attachment(self, exchange: Exchange, params: Mapping[str, Any]) -> None:
        created = text_at(exchange.json, "id") if exchange.ok else None
        if exchange.operation == "attachments.create" and created:
            self.attachments[created] = None
        if exchange.operation == "attachments.delete" and exchange.ok:
            self.attachments.pop(str(params.get("attachment_id")), None)

    def _remember(self, message: dict[str, Any]) -> None:
        if text := item_text(message):
            self._journal.texts.add(text)

    async def _require_safe(self, thread_id: str) -> None:
        if thread_id in self._absent or not (doubt := await self.doubt(thread_id)):
            return
        if thread_id in self.created:
            raise UnsafeError(f"the thread {doubt}, so the run does not change it")
        # Reading has just shown whether this user has a thread with that id.
        if thread_id not in self._absent:
            raise UnsafeError("the server returns a thread for an id that the user does not have")

    async def _all_items(self, read: Exchange, thread_id: str) -> list[dict[str, Any]]:
        """Return a thread's items from all pages; none if there are too many pages."""
        if _has_all_items(read):
            return rows(read.json, "items", "data")
        found: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            page = await self._call(
                "items.list", thread_id=thread_id, limit=ALL, order="asc", **after
            )
            found += rows(page.json, "data")
            if not dig(page.json, "has_more"):
                return found
            after = {"after": text_at(page.json, "after") or ""}
        return []


def _has_all_items(read: Exchange) -> bool:
    """Return whether a thread came with its items, and these are all."""
    has_items = isinstance(dig(read.json, "items", "data"), list)
    return has_items and not dig(read.json, "items", "has_more")


def _created_by(operation: str, exchange: Exchange) -> list[str]:
    """Return the ids of the threads that a request has created, in whatever form."""
    created = [
        thread_id
        for event in exchange.events_of_type("thread.created")
        if (thread_id := text_at(event, "thread", "id"))
    ]
    if operation != "threads.create" or created:
        return created
    # A backend not built on the SDK may respond with JSON; its thread is deleted as well.
    body = None if exchange.events else exchange.json
    found = exchange.thread_id or text_at(body, "id") or text_at(body, "thread_id")
    found = found or text_at(body, "thread", "id")
    return [found] if found else []
