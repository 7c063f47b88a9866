"""Threads, items and feedback in a relational database."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from chatkit.store import NotFoundError
from chatkit.types import FeedbackKind, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter
from sqlalchemy import Row, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.base import ChatStore, RequestContext, StoreUnavailableError
from app.database.cancellation import run_to_completion
from app.database.queries import (
    Columns,
    append_item,
    is_item,
    is_thread,
    page_query,
    to_page,
    users_items,
    users_threads,
    valid_id,
)
from app.database.schema import require_schema
from app.database.tables import feedback, items, threads

_THREAD_FIELDS = set(ThreadMetadata.model_fields)
_ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)


class SqlStore(ChatStore):
    """Keeps threads and items as JSON, in the order in which they were first saved.

    Args:
        reader: Runs single statements, outside of a transaction.
        writer: Runs transactions.
    """

    def __init__(self, *, reader: AsyncEngine, writer: AsyncEngine) -> None:
        self._reader = reader
        self._writer = writer

    async def load_thread(self, thread_id: str, context: RequestContext) -> ThreadMetadata:
        """Return the user's thread."""
        rows = await self._read(users_threads(context).where(is_thread(thread_id, context)))
        if not rows:
            raise NotFoundError(thread_id)
        return _load_thread(rows[0].payload, rows[0].title)

    @run_to_completion
    async def save_thread(self, thread: ThreadMetadata, context: RequestContext) -> None:
        """Replace the user's thread, except for its title, or create it."""
        # The SDK also hands over a `Thread`, whose page of items must not be kept.
        payload = thread.model_dump_json(include=_THREAD_FIELDS)
        title = None if thread.title is None else _storable(thread.title)
        replace = update(threads).where(is_thread(thread.id, context))
        replace = replace.values(payload=payload, title=func.coalesce(threads.c.title, title))
        create = insert(threads).values(
            id=thread.id, user_id=context.user_id, payload=payload, title=title
        )
        async with self._transaction() as connection:
            if (await connection.execute(replace)).rowcount:
                return
            try:
                await connection.execute(create)
            except IntegrityError:  # The id belongs to another user's thread.
                raise NotFoundError(thread.id) from None

    @run_to_completion
    async def rename_thread(
        self, thread_id: str, title: str, context: RequestContext
    ) -> ThreadMetadata:
        """Set the title of the user's thread, whatever it was."""
        rename = update(threads).where(is_thread(thread_id, context)).values(title=_storable(title))
        async with self._transaction() as connection:
            result = await connection.execute(rename.returning(threads.c.payload, threads.c.title))
            row = result.one_or_none()
        if row is None:
            raise NotFoundError(thread_id)
        return _load_thread(row.payload, row.title)

    @run_to_completion
    async def propose_title(self, thread_id: str, title: str, context: RequestContext) -> str:
        """Set the title of the user's thread if it has none; return the one it has now."""
        propose = update(threads).where(is_thread(thread_id, context))
        propose = propose.values(title=func.coalesce(threads.c.title, _storable(title)))
        async with self._transaction() as connection:
            stored: str | None = await connection.scalar(propose.returning(threads.c.title))
        if stored is None:
            raise NotFoundError(thread_id)
        return stored

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: RequestContext
    ) -> Page[ThreadMetadata]:
        """Return a page of the user's threads."""
        cursor = None
        if after is not None:
            cursor = select(threads.c.seq).where(is_thread(after, context))
        query = page_query(users_threads(context), threads.c.seq, cursor, limit, order)
        rows = await self._read(query)
        if not rows and after is not None:
            await self.load_thread(after, context)
        return to_page(rows, limit, _load_thread)

    @run_to_completion
    async def delete_thread(self, thread_id: str, context: RequestContext) -> None:
        """Delete the user's thread; the database deletes its items and feedback with it."""
        async with self._transaction() as connection:
            deleted = await connection.execute(delete(threads).where(is_thread(thread_id, context)))
        if not deleted.rowcount:
            raise NotFoundError(thread_id)

    async def load_item(self, thread_id: str, item_id: str, context: RequestContext) -> ThreadItem:
        """Return an item of the user's thread."""
        rows = await self._read(users_items(thread_id, context).where(is_item(thread_id, item_id)))
        if not rows:
            raise NotFoundError(item_id)
        return _ITEM.validate_json(rows[0].payload)

    async def add_thread_item(
        self, thread_id: str, item: ThreadItem, context: RequestContext
    ) -> None:
        """Save the item; one that continues over several turns is added again."""
        await self.save_item(thread_id, item, context)

    @run_to_completion
    async def save_item(self, thread_id: str, item: ThreadItem, context: RequestContext) -> None:
        """Replace the item where it stands, or append it to the user's thread."""
        payload = item.model_dump_json()
        replace = update(items).where(is_item(thread_id, item.id)).values(payload=payload)
        async with self._locked(thread_id, context) as connection:
            if not (await connection.execute(replace)).rowcount:
                await connection.execute(append_item(thread_id, item.id, payload))

    async def load_thread_items(
        self,
        thread_id: str,
        after: str | None,
        limit: int,
        order: str,
        context: RequestContext,
    ) -> Page[ThreadItem]:
        """Return a page of the items of the user's thread."""
        cursor = None
        if after is not None:
            cursor = select(items.c.seq).where(is_item(thread_id, after))
        query = page_query(users_items(thread_id, context), items.c.seq, cursor, limit, order)
        rows = await self._read(query)
        if not rows:
            await self._require(thread_id, after, context)
        return to_page(rows, limit, _ITEM.validate_json)

    @run_to_completion
    async def delete_thread_item(
        self, thread_id: str, item_id: str, context: RequestContext
    ) -> None:
        """Delete the item, if there is one: the SDK also removes items it never stored."""
        async with self._locked(thread_id, context) as connection:
            await connection.execute(delete(items).where(is_item(thread_id, item_id)))

    @run_to_completion
    async def save_feedback(
        self,
        thread_id: str,
        item_ids: Sequence[str],
        kind: FeedbackKind,
        context: RequestContext,
    ) -> None:
        """Replace the user's feedback on each item."""
        keys = [{"thread": thread_id, "item": valid_id(item_id)} for item_id in set(item_ids)]
        key = (feedback.c.thread_id == bindparam("thread"), feedback.c.item_id == bindparam("item"))
        new = insert(feedback).values(
            thread_id=bindparam("thread"),
            item_id=bindparam("item"),
            kind=kind,
            created_at=datetime.now(UTC),
        )
        async with self._locked(thread_id, context) as connection:
            if not keys:
                return
            await connection.execute(delete(feedback).where(*key), keys)
            try:
                await connection.execute(new, keys)
            except IntegrityError:  # The foreign key found no such item.
                raise NotFoundError(", ".join(item_ids)) from None

    async def load_feedback(
        self, thread_id: str, context: RequestContext
    ) -> dict[str, FeedbackKind]:
        """Return the feedback in the user's thread by item id."""
        await self.load_thread(thread_id, context)
        verdicts = select(feedback.c.item_id, feedback.c.kind)
        rows = await self._read(verdicts.where(feedback.c.thread_id == thread_id))
        return {row.item_id: row.kind for row in rows}

    @run_to_completion
    async def ping(self) -> None:
        """Return if the database can be written to and has the tables that this code needs."""
        async with _available(), self._writer.begin() as connection:
            await connection.run_sync(require_schema)

    async def _require(self, thread_id: str, item_id: str | None, context: RequestContext) -> None:
        """Raise `NotFoundError` unless the user has the thread and, if named, the item in it."""
        if item_id is None:
            await self.load_thread(thread_id, context)
        else:
            await self.load_item(thread_id, item_id, context)

    @run_to_completion
    async def _read(self, query: Select[*Columns]) -> Sequence[Row[*Columns]]:
        async with _available(), self._reader.connect() as connection:
            return (await connection.execute(query)).all()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        async with _available(), self._writer.begin() as connection:
            yield connection

    @asynccontextmanager
    async def _locked(
        self, thread_id: str, context: RequestContext
    ) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that locks the user's thread.

        The lock on the thread's row gives simultaneous items different numbers, and prevents
        adding an item to a thread that is being deleted.
        """
        lock = select(threads.c.seq).where(is_thread(thread_id, context)).with_for_update()
        async with self._transaction() as connection:
            if await connection.scalar(lock) is None:
                raise NotFoundError(thread_id)
            yield connection


def _load_thread(payload: str, title: str | None) -> ThreadMetadata:
    thread = ThreadMetadata.model_validate_json(payload)
    thread.title = title
    return thread


def _storable(title: str) -> str:
    """Remove what a column of text cannot hold in every database; a payload escapes it."""
    return title.replace("\0", "")


@asynccontextmanager
async def _available() -> AsyncIterator[None]:
    """Translate the driver's errors; every access to the database goes through here."""
    try:
        yield
    except (DBAPIError, PoolTimeoutError, OSError) as error:
        raise StoreUnavailableError("The database does not answer.") from error
