"""The store's statements, each written once as SQL for the database.

All that concern a thread are limited to its user. Their parameters are `user`, `thread` and
`item` for ids, and those that a statement's comment names.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from chatkit.store import NotFoundError
from chatkit.types import Page
from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    Text,
    and_,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.sql.expression import ClauseElement

from app.base import RequestContext
from app.database.driver import DIALECT, insert, strings_in
from app.database.interface import Parameters, Rows
from app.database.tables import ID_LENGTH, feedback, items, threads

MAX_PAGE = 10_000
"""Maximum entries of a page; the ChatKit client requests 9999 threads at once."""

Entry = TypeVar("Entry")


def compiled(statement: ClauseElement) -> str:
    """Return a statement as SQL with named parameters."""
    return str(statement.compile(dialect=DIALECT))


def page_statements(
    query: Select[*tuple[object, ...]], seq: ColumnElement[int], cursor: Select[int]
) -> Mapping[tuple[bool, bool], str]:
    """Return the statements that read one page and one more row if there is a next page.

    Their parameter `limit` is the number of rows.

    Args:
        query: Selects all entries, by their id first.
        seq: The column that orders them.
        cursor: Selects the `seq` before the page; if it selects nothing, the page is empty.

    Returns:
        The statements by whether the oldest entries come first, and whether there is a cursor.
    """
    begin = cursor.scalar_subquery()
    # Without an offset, some dialects add a parameter of their own.
    limited = query.limit(bindparam("limit")).offset(literal_column("0"))
    oldest, newest = limited.order_by(seq.asc()), limited.order_by(seq.desc())
    return {
        (True, False): compiled(oldest),
        (True, True): compiled(oldest.where(seq > begin)),
        (False, False): compiled(newest),
        (False, True): compiled(newest.where(seq < begin)),
    }


_IS_USERS = threads.c.user_id == bindparam("user")
_IS_THREAD = and_(threads.c.id == bindparam("thread"), _IS_USERS)
_IN_THREAD = items.c.thread_id == bindparam("thread")
_IS_ITEM = and_(_IN_THREAD, items.c.id == bindparam("item"))

_threads = select(threads.c.id, threads.c.payload, threads.c.title)
_items = select(items.c.id, items.c.payload).join(threads).where(_IS_THREAD, _IN_THREAD)

LOAD_THREAD = compiled(_threads.where(_IS_THREAD))
THREAD_PAGES = page_statements(
    _threads.where(_IS_USERS), threads.c.seq, select(threads.c.seq).where(_IS_THREAD)
)

_thread = insert(threads).values(
    id=bindparam("thread"),
    user_id=bindparam("user"),
    payload=bindparam("payload"),
    title=bindparam("title"),
)
# With `payload` and `title`. A title that is stored stays; another user's thread does, too.
SAVE_THREAD = compiled(
    _thread.on_conflict_do_update(
        index_elements=[threads.c.id],
        set_={
            "payload": _thread.excluded.payload,
            "title": func.coalesce(threads.c.title, _thread.excluded.title),
        },
        where=threads.c.user_id == _thread.excluded.user_id,
    ).returning(threads.c.id)
)

_change = update(threads).where(_IS_THREAD)
# With `title`.
RENAME_THREAD = compiled(
    _change.values(title=bindparam("title")).returning(
        threads.c.id, threads.c.payload, threads.c.title
    )
)
# With `title`.
PROPOSE_TITLE = compiled(
    _change.values(title=func.coalesce(threads.c.title, bindparam("title", type_=Text))).returning(
        threads.c.title
    )
)

# The database deletes the items and the feedback with it.
DELETE_THREAD = compiled(delete(threads).where(_IS_THREAD).returning(threads.c.id))

LOAD_ITEM = compiled(_items.where(items.c.id == bindparam("item")))
ITEM_PAGES = page_statements(_items, items.c.seq, select(items.c.seq).where(_IS_ITEM))

_last = select(func.coalesce(func.max(items.c.seq), literal_column("0"))).where(_IN_THREAD)
_item = insert(items).from_select(
    ["thread_id", "seq", "id", "payload"],
    select(
        threads.c.id,
        _last.scalar_subquery() + literal_column("1"),
        bindparam("item", type_=String),
        bindparam("payload", type_=Text),
    ).where(_IS_THREAD),
)
# With `payload`.
SAVE_ITEM = compiled(
    _item.on_conflict_do_update(
        index_elements=[items.c.thread_id, items.c.id], set_={"payload": _item.excluded.payload}
    ).returning(items.c.id)
)

DELETE_ITEM = compiled(
    delete(items)
    .where(_IS_ITEM, select(threads.c.id).where(_IS_THREAD).exists())
    .returning(items.c.id)
)

# A thread without feedback is one row without an item.
LOAD_FEEDBACK = compiled(
    select(feedback.c.item_id, feedback.c.kind)
    .select_from(threads.outerjoin(feedback, feedback.c.thread_id == threads.c.id))
    .where(_IS_THREAD)
)

_named = and_(_IN_THREAD, items.c.id.in_(strings_in(bindparam("items", type_=Text))))
_found = select(func.count()).select_from(items).where(_named).scalar_subquery()
_verdicts = insert(feedback).from_select(
    ["thread_id", "item_id", "kind", "created_at"],
    select(items.c.thread_id, items.c.id, bindparam("kind", type_=Text), func.now())
    .join(threads)
    .where(_IS_THREAD, _named, _found == bindparam("count")),
)
# With `kind`, `items` as a JSON array, and their `count`: nothing is saved if one is missing.
SAVE_FEEDBACK = compiled(
    _verdicts.on_conflict_do_update(
        index_elements=[feedback.c.thread_id, feedback.c.item_id],
        set_={"kind": _verdicts.excluded.kind, "created_at": _verdicts.excluded.created_at},
    ).returning(feedback.c.item_id)
)


def valid_id(identifier: str) -> str:
    """Return an id that the database can store.

    Raises:
        NotFoundError: It is too long or has a NUL in it, so nothing can be named like that.
    """
    if len(identifier) > ID_LENGTH or "\0" in identifier:
        raise NotFoundError("An id is too long or has a NUL in it.")
    return identifier


def ids(context: RequestContext, **named: str) -> Parameters:
    """Return the ids of a statement, the user's included.

    Raises:
        NotFoundError: Nothing can be named like one of them.
    """
    named["user"] = context.user_id
    return {name: valid_id(identifier) for name, identifier in named.items()}


def to_page(rows: Rows, limit: int, load: Callable[..., Entry]) -> Page[Entry]:
    """Build a page from the rows of a page's statement.

    Args:
        rows: Each begins with the entry's id.
        limit: Maximum number of entries.
        load: Builds an entry from the rest of a row.
    """
    shown = rows[:limit]
    more = len(rows) > len(shown)
    data = [load(*columns) for _, *columns in shown]
    return Page(data=data, has_more=more, after=shown[-1][0] if more else None)


def clamp(limit: int) -> int:
    """Return the nearest valid page size."""
    return min(max(limit, 1), MAX_PAGE)
