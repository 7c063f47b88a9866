"""Reads all conversations of the database for an export, and adds those of an import."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import groupby, islice
from typing import Any, TypeVar

from pydantic_core import to_json
from sqlalchemy import (
    Connection,
    Engine,
    Row,
    Table,
    and_,
    bindparam,
    insert,
    literal_column,
    select,
    tuple_,
)

from app.database.driver import BYTE_ORDER
from app.database.schema import startup_errors
from app.database.tables import feedback, items, threads
from app.entries import Entry, Item, Section, Thread, parse_value

ROWS = 50
"""How many rows are read at once."""

Columns = Row[*tuple[Any, ...]]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Link:
    """The database of an export or an import.

    Attributes:
        snapshot: All that is read on this connection is as it was when it was first used.
        writing: The connection of an import.
    """

    snapshot: Connection
    writing: Connection

    def conversations(self) -> Section:
        """Return the threads with their items and feedback."""
        return Conversations(self)


def open_connection(engine: Engine) -> Connection:
    """Connect to the database.

    Raises:
        StartupError: It cannot be reached.
    """
    with startup_errors():
        return engine.connect()


_thread_columns = (
    threads.c.user_id,
    threads.c.id.label("thread_id"),
    threads.c.payload.label("thread"),
    threads.c.title,
)
_item_columns = (
    items.c.seq,
    items.c.id,
    items.c.payload,
    feedback.c.kind,
    feedback.c.created_at,
)
_rated = and_(feedback.c.thread_id == items.c.thread_id, feedback.c.item_id == items.c.id)
_order = (threads.c.user_id.collate(BYTE_ORDER), threads.c.seq)

_THREADS = select(threads.c.seq).order_by(*_order)
# With `threads`. One without items is one row.
_CONVERSATIONS = (
    select(*_thread_columns, *_item_columns)
    .select_from(threads.outerjoin(items).outerjoin(feedback, _rated))
    .where(threads.c.seq.in_(bindparam("threads", expanding=True)))
    .order_by(*_order, items.c.seq)
)
# With `ids`.
_FIND_THREADS = select(*_thread_columns).where(threads.c.id.in_(bindparam("ids", expanding=True)))
# With `ids` of threads and items.
_FIND_ITEMS = (
    select(*_thread_columns, *_item_columns)
    .select_from(threads.join(items).outerjoin(feedback, _rated))
    .where(tuple_(items.c.thread_id, items.c.id).in_(bindparam("ids", expanding=True)))
)


class Conversations:
    """All threads with their items and feedback."""

    kinds: tuple[type[Entry], ...] = (Thread, Item)

    def __init__(self, link: Link) -> None:
        self._link = link

    def fit(self, entry: Entry) -> Entry:
        """Remove NUL from a title, which a column of text cannot hold in every database."""
        if isinstance(entry, Thread) and entry.title is not None and "\0" in entry.title:
            return entry.model_copy(update={"title": entry.title.replace("\0", "")})
        return entry

    def dump(self) -> AsyncIterator[Entry]:
        """Read all threads, each before its items."""
        return in_thread(_dump(self._link.snapshot))

    async def is_empty(self) -> bool:
        """Return whether there is no thread."""
        return await transact(self._link, partial(has_no_rows, threads))

    async def find(self, entries: Sequence[Entry]) -> Collection[Entry]:
        """Return the threads and items of the same names."""
        return await transact(self._link, partial(_find, entries))

    async def load(self, entries: Sequence[Entry]) -> None:
        """Add threads and items in one transaction."""
        await transact(self._link, partial(_load, entries))


async def in_thread(entries: Iterator[Entry]) -> AsyncIterator[Entry]:
    """Read entries in another thread, some at once."""
    while some := await asyncio.to_thread(_take, entries):
        for entry in some:
            yield entry


def _take(entries: Iterator[Entry]) -> list[Entry]:
    with startup_errors():
        return list(islice(entries, ROWS))


async def transact(link: Link, work: Callable[[Connection], Result]) -> Result:
    """Run *work* in another thread, in a transaction.

    Raises:
        StartupError: The database cannot be used, or refuses a change; nothing is changed.
    """
    return await asyncio.to_thread(_transact, link.writing, work)


def _transact(connection: Connection, work: Callable[[Connection], Result]) -> Result:
    with startup_errors(), connection.begin():
        return work(connection)


def has_no_rows(table: Table, connection: Connection) -> bool:
    """Return whether a table is empty."""
    return (
        connection.execute(select(literal_column("1")).select_from(table).limit(1)).first() is None
    )


def add_rows(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows in their order, if there are any."""
    if rows:
        connection.execute(insert(table), rows)


def _dump(snapshot: Connection) -> Iterator[Entry]:
    streaming = {"yield_per": ROWS}
    numbers = snapshot.execute(_THREADS, execution_options=streaming).scalars()
    for some in numbers.partitions():
        rows = snapshot.execute(_CONVERSATIONS, {"threads": some}, execution_options=streaming)
        for _, conversation in groupby(rows, key=lambda row: row.thread_id):
            yield from _conversation(conversation)


def _conversation(rows: Iterator[Columns]) -> Iterator[Entry]:
    for place, row in enumerate(rows, start=1):
        if place == 1:
            yield _thread(row)
        if row.id is not None:
            yield _item(row, place)


def _thread(row: Columns) -> Thread:
    value = parse_value(row.thread)
    # The column has the title; the payload may have an older one.
    value.pop("title", None)
    return Thread(type="thread", user=row.user_id, id=row.thread_id, title=row.title, value=value)


def _item(row: Columns, place: int) -> Item:
    return Item(
        type="item",
        user=row.user_id,
        thread=row.thread_id,
        place=place,
        id=row.id,
        feedback=row.kind,
        rated_at=_in_utc(row.created_at),
        value=parse_value(row.payload),
    )


def _in_utc(time: datetime | None) -> datetime | None:
    """Return a time with its zone, which not every database returns with it."""
    if time is None:
        return None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _find(entries: Sequence[Entry], connection: Connection) -> list[Entry]:
    named = [entry.id for entry in entries if isinstance(entry, Thread)]
    rows = connection.execute(_FIND_THREADS, {"ids": named})
    found: list[Entry] = [_thread(row) for row in rows]
    wanted = {(entry.thread, entry.id): entry for entry in entries if isinstance(entry, Item)}
    for row in connection.execute(_FIND_ITEMS, {"ids": list(wanted)}):
        item = _item(row, row.seq)
        if wanted[item.thread, item.id].rated_at is None:
            # Then `_load` has stored a time of its own.
            item = item.model_copy(update={"rated_at": None})
        found.append(item)
    return found


def _load(entries: Sequence[Entry], connection: Connection) -> None:
    new_threads = [entry for entry in entries if isinstance(entry, Thread)]
    new_items = [entry for entry in entries if isinstance(entry, Item)]
    now = datetime.now(UTC)
    add_rows(connection, threads, [_thread_row(thread) for thread in new_threads])
    add_rows(connection, items, [_item_row(item) for item in new_items])
    add_rows(
        connection,
        feedback,
        [_feedback_row(item, now) for item in new_items if item.feedback is not None],
    )


def _thread_row(thread: Thread) -> dict[str, Any]:
    return {
        "id": thread.id,
        "user_id": thread.user,
        "payload": to_json(thread.value).decode(),
        "title": thread.title,
    }


def _item_row(item: Item) -> dict[str, Any]:
    return {
        "thread_id": item.thread,
        "seq": item.place,
        "id": item.id,
        "payload": to_json(item.value).decode(),
    }


def _feedback_row(item: Item, now: datetime) -> dict[str, Any]:
    return {
        "thread_id": item.thread,
        "item_id": item.id,
        "kind": item.feedback,
        "created_at": item.rated_at or now,
    }
