"""The building blocks of the store's queries."""

from collections.abc import Callable, Sequence
from typing import TypeVar, TypeVarTuple

from chatkit.store import NotFoundError
from chatkit.types import Page
from sqlalchemy import ColumnElement, Row, Select, and_, func, insert, select
from sqlalchemy.sql.dml import Insert

from app.base import RequestContext
from app.database.tables import ID_LENGTH, items, threads

MAX_PAGE = 10_000
"""Maximum entries of a page; the ChatKit client requests 9999 threads at once."""

Entry = TypeVar("Entry")
Columns = TypeVarTuple("Columns")


def valid_id(identifier: str) -> str:
    """Return an id that the database can store.

    Raises:
        NotFoundError: It is too long or has a NUL in it, so nothing can be named like that.
    """
    if len(identifier) > ID_LENGTH or "\0" in identifier:
        raise NotFoundError("An id is too long or has a NUL in it.")
    return identifier


def is_thread(thread_id: str, context: RequestContext) -> ColumnElement[bool]:
    """Match a thread, if it is the user's."""
    return and_(threads.c.id == valid_id(thread_id), is_users(context))


def is_users(context: RequestContext) -> ColumnElement[bool]:
    """Match the user's threads."""
    return threads.c.user_id == valid_id(context.user_id)


def is_item(thread_id: str, item_id: str) -> ColumnElement[bool]:
    """Match an item in a thread of any user."""
    return and_(items.c.thread_id == valid_id(thread_id), items.c.id == valid_id(item_id))


def users_threads(context: RequestContext) -> Select[str, str, str | None]:
    """Select the user's threads."""
    return select(threads.c.id, threads.c.payload, threads.c.title).where(is_users(context))


def users_items(thread_id: str, context: RequestContext) -> Select[str, str]:
    """Select the items of a thread, if it is the user's."""
    query = select(items.c.id, items.c.payload).join(threads, threads.c.id == items.c.thread_id)
    return query.where(is_thread(thread_id, context), items.c.thread_id == thread_id)


def append_item(thread_id: str, item_id: str, payload: str) -> Insert:
    """Append an item to a thread, which must be locked."""
    last = select(func.coalesce(func.max(items.c.seq), 0)).where(items.c.thread_id == thread_id)
    return insert(items).values(
        thread_id=thread_id, seq=last.scalar_subquery() + 1, id=item_id, payload=payload
    )


def page_query(
    query: Select[*Columns],
    seq: ColumnElement[int],
    cursor: Select[int] | None,
    limit: int,
    order: str,
) -> Select[*Columns]:
    """Select the rows of one page, and one more if there is a next page.

    Args:
        query: Selects all entries, by their id first.
        seq: The column that orders them.
        cursor: Selects the `seq` before the page; if it selects nothing, the page is empty.
            None starts at the first entry.
        limit: Maximum number of entries.
        order: `asc` for the oldest first; anything else is `desc`.
    """
    ascending = order == "asc"
    if cursor is not None:
        begin = cursor.scalar_subquery()
        query = query.where(seq > begin if ascending else seq < begin)
    query = query.order_by(seq.asc() if ascending else seq.desc())
    return query.limit(clamp(limit) + 1)


def to_page(
    rows: Sequence[Row[str, *Columns]], limit: int, load: Callable[[*Columns], Entry]
) -> Page[Entry]:
    """Build a page from the rows of `page_query`."""
    shown = rows[: clamp(limit)]
    more = len(rows) > len(shown)
    data = [load(*row[1:]) for row in shown]
    return Page(data=data, has_more=more, after=shown[-1][0] if more else None)


def clamp(limit: int) -> int:
    """Return the nearest valid page size."""
    return min(max(limit, 1), MAX_PAGE)
