"""Small JSON documents of the application, in the database."""

import json
import time
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    delete,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from app.base import ChatStore
from app.database.driver import BYTE_ORDER, insert
from app.database.interface import Database, Parameters
from app.database.queries import compiled, valid_id
from app.database.store import SqlStore
from app.database.tables import ID_LENGTH, metadata
from app.database.transfer import ROWS, Link, add_rows, has_no_rows, in_thread, transact
from app.entries import Entry, Record, parse_value

PURGE_PAUSE = 60.0
"""Seconds between two deletions of documents that have expired."""

Value = dict[str, Any]

records = Table(
    "records",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("owner", String(ID_LENGTH), nullable=False),
    Column("key", String(ID_LENGTH), nullable=False),
    Column("value", Text, nullable=False),
    Column("expires_at", Float(53)),
    UniqueConstraint("kind", "owner", "key"),
    Index("ix_records_expires_at", "expires_at"),
)

# Their parameters are `kind`, `owner`, `key` and `now`, and those that a comment names.
_IS_OWNERS = and_(records.c.kind == bindparam("kind"), records.c.owner == bindparam("owner"))
_IS_VALID = or_(records.c.expires_at.is_(None), records.c.expires_at > bindparam("now"))
_IS_RECORD = and_(_IS_OWNERS, records.c.key == bindparam("key"), _IS_VALID)

_record = insert(records).values(
    kind=bindparam("kind"),
    owner=bindparam("owner"),
    key=bindparam("key"),
    value=bindparam("value"),
    expires_at=bindparam("expires_at"),
)
# With `value` and `expires_at`. A document that has expired is not in the way.
_ADD = compiled(
    _record.on_conflict_do_update(
        index_elements=[records.c.kind, records.c.owner, records.c.key],
        set_={"value": _record.excluded.value, "expires_at": _record.excluded.expires_at},
        where=records.c.expires_at <= bindparam("now"),
    ).returning(records.c.key)
)
_LOAD = compiled(select(records.c.value).where(_IS_RECORD))
# With `value` and `was`.
_REPLACE = compiled(
    update(records)
    .where(_IS_RECORD, records.c.value == bindparam("was"))
    .values(value=bindparam("value"))
    .returning(records.c.key)
)
_DELETE = compiled(delete(records).where(_IS_RECORD).returning(records.c.key))
# With `limit`.
_LIST = compiled(
    select(records.c.key, records.c.value)
    .where(_IS_OWNERS, _IS_VALID)
    .order_by(records.c.seq)
    .limit(bindparam("limit"))
    # Without an offset, some dialects add a parameter of their own.
    .offset(literal_column("0"))
)
_DELETE_ALL = compiled(delete(records).where(_IS_OWNERS, _IS_VALID).returning(records.c.key))
_PURGE = compiled(delete(records).where(records.c.expires_at <= bindparam("now")))

_DUMP = (
    select(records)
    .where(_IS_VALID)
    .order_by((records.c.kind + ":" + records.c.owner).collate(BYTE_ORDER), records.c.seq)
)
# With `names`.
_FIND = select(records).where(
    tuple_(records.c.kind, records.c.owner, records.c.key).in_(bindparam("names", expanding=True))
)


class Records:
    """Keeps documents by kind, owner and key. Every method is one statement.

    All raise `StoreUnavailableError` if the database cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
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
        await self._purge()
        parameters = {**_ids(kind, owner, key), "value": _text(value), "expires_at": expires_at}
        return bool(await self._database.write(_ADD, parameters))

    async def load(self, kind: str, owner: str, key: str) -> Value | None:
        """Return a document, or None if there is none."""
        rows = await self._database.read(_LOAD, _ids(kind, owner, key))
        return _value(rows[0][0]) if rows else None

    async def replace(self, kind: str, owner: str, key: str, value: Value, was: Value) -> bool:
        """Replace a document unless someone else has changed it; return whether it was replaced.

        Args:
            kind: What it is.
            owner: Whose it is.
            key: Which it is.
            value: The new document.
            was: The document that is to be replaced, as it was loaded.
        """
        parameters = {**_ids(kind, owner, key), "value": _text(value), "was": _text(was)}
        return bool(await self._database.write(_REPLACE, parameters))

    async def delete(self, kind: str, owner: str, key: str) -> bool:
        """Delete a document; return whether there was one."""
        return bool(await self._database.write(_DELETE, _ids(kind, owner, key)))

    async def listed(self, kind: str, owner: str, limit: int) -> list[tuple[str, Value]]:
        """Return up to *limit* of an owner's documents by key, oldest first."""
        rows = await self._database.read(_LIST, {**_ids(kind, owner), "limit": limit})
        return [(key, _value(text)) for key, text in rows]

    async def delete_all(self, kind: str, owner: str) -> int:
        """Delete the owner's documents of a kind; return how many there were."""
        return len(await self._database.write(_DELETE_ALL, _ids(kind, owner)))

    async def _purge(self) -> None:
        """Delete what has expired, once in a while."""
        now = time.time()
        if now >= self._next_purge:
            self._next_purge = now + PURGE_PAUSE
            await self._database.write(_PURGE, {"now": now})


def records_of(store: ChatStore) -> Records:
    """Return the records in the store's database."""
    if not isinstance(store, SqlStore):
        raise TypeError(f"{type(store).__name__} keeps no records")
    return Records(store.database)


class Documents:
    """All documents, for an export or an import."""

    kinds: tuple[type[Entry], ...] = (Record,)

    def __init__(self, link: Link) -> None:
        self._link = link

    def fit(self, entry: Entry) -> Entry:
        """Return the entry: every document can be kept."""
        return entry

    def dump(self) -> AsyncIterator[Entry]:
        """Read all documents that have not expired."""
        return in_thread(_dump(self._link.snapshot))

    async def is_empty(self) -> bool:
        """Return whether there is no document."""
        return await transact(self._link, partial(has_no_rows, records))

    async def find(self, entries: Sequence[Entry]) -> Collection[Entry]:
        """Return the documents of the same names."""
        return await transact(self._link, partial(_find, entries))

    async def load(self, entries: Sequence[Entry]) -> None:
        """Add documents in one transaction."""
        await transact(self._link, partial(_load, entries))


def _dump(snapshot: Connection) -> Iterator[Entry]:
    parameters = {"now": time.time()}
    for row in snapshot.execute(_DUMP, parameters, execution_options={"yield_per": ROWS}):
        yield _record_of(row)


def _find(entries: Sequence[Entry], connection: Connection) -> list[Entry]:
    names = [(e.kind, e.owner, e.key) for e in entries if isinstance(e, Record)]
    return [_record_of(row) for row in connection.execute(_FIND, {"names": names})]


def _load(entries: Sequence[Entry], connection: Connection) -> None:
    rows = [
        {**entry.model_dump(exclude={"type"}), "value": _text(entry.value)}
        for entry in entries
        if isinstance(entry, Record)
    ]
    add_rows(connection, records, rows)


def _record_of(row: Row[*tuple[Any, ...]]) -> Record:
    return Record(
        type="record",
        kind=row.kind,
        owner=row.owner,
        key=row.key,
        expires_at=row.expires_at,
        value=parse_value(row.value),
    )


def _ids(kind: str, owner: str, key: str = "") -> Parameters:
    """Return the parameters that name a document.

    Raises:
        NotFoundError: No document can be named like that.
    """
    return {"kind": kind, "owner": valid_id(owner), "key": valid_id(key), "now": time.time()}


def _text(value: Value) -> str:
    """Return the document as text that is the same for the same document."""
    return json.dumps(value, sort_keys=True)


def _value(text: str) -> Value:
    value: Value = json.loads(text)
    return value
