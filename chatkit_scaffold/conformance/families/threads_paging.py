"""Lists of threads and of items: complete, in order, page by page."""

from itertools import pairwise

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import require, require_equal
from chatkit_scaffold.conformance.fixtures import (
    NO_LIMIT,
    conversation,
    fixture,
    three_threads,
)
from chatkit_scaffold.conformance.paging import Pages, collect, find_threads
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import dig, ids, rows, text_at

_STORE = "chatkit/store.py Store"


@check(
    "threads-newest-first",
    level=Level.MUST,
    source="chatkit/types.py ThreadListParams.order = 'desc'",
    fix="Honor `order` in Store.load_threads, and sort by created_at or an increasing number.",
    needs={"threads-distinct"},
)
async def newest_first(target: Target) -> None:
    """threads.list returns the newest thread first, or the oldest with order 'asc'."""
    created = await three_threads(target)
    newest = await find_threads(target.user, set(created))
    _require_order(newest, created[::-1], "the newest thread first")
    oldest = await find_threads(target.user, set(created), order="asc")
    _require_order(oldest, created, "the oldest thread first")


@check(
    "threads-paged",
    level=Level.MUST,
    source="chatkit/types.py Page, ThreadListParams",
    fix="Use keyset pagination: return the id of the page's last thread as `after`, and start the "
    "next page behind it.",
    needs={"requests-listed"},
)
async def threads_paged(target: Target) -> None:
    """Paging through threads skips and repeats none, in both orders."""
    created = await three_threads(target)
    for order in ("desc", "asc"):
        params = {"order": order}
        first = await target.user.call("threads.list", **params, limit=len(created))
        wanted = ids(rows(first.json, "data"))
        found = await collect(target.user, "threads.list", params, limit=2, until=set(wanted))
        missing = [thread for thread in wanted if thread not in found.ids]
        expected = f"the threads of a page on pages of two, order {order}"
        require(not missing, found.last, expected, f"missing: {missing}")


@check(
    "threads-items-paged",
    level=Level.MUST,
    source="chatkit/types.py ItemsListParams, Page",
    fix="Honor `limit`, `after` and `order` in Store.load_thread_items; set `has_more` only if "
    "more items follow, and then set `after` too.",
    needs={"threads-second-message"},
)
async def items_paged(target: Target) -> None:
    """Paging through items skips and repeats none, in both orders and with different limits."""
    talk = await conversation(target)
    expected = ids(talk.items)
    for order, limit in (("asc", 3), ("desc", 1)):
        found = await collect(
            target.user, "items.list", {"thread_id": talk.thread_id, "order": order}, limit=limit
        )
        wanted = expected if order == "asc" else expected[::-1]
        require_equal(found.ids, wanted, f"ids, order {order}, limit {limit}", found.last)


@check(
    "threads-items-newest-first",
    level=Level.MUST,
    source="chatkit/types.py ItemsListParams.order = 'desc'",
    fix="Honor the `order` argument in Store.load_thread_items; the default is 'desc'.",
    needs={"threads-second-message"},
)
async def items_newest_first(target: Target) -> None:
    """items.list returns the newest item first by default."""
    talk = await conversation(target)
    response = await target.user.call("items.list", thread_id=talk.thread_id, limit=2)
    found = ids(rows(response.json, "data"))
    newest = ids(talk.items)[-1:]
    require(found and found[:1] == newest, response, "the newest item first", found)


@fixture
async def complete_lists(target: Target) -> list[Pages]:
    """All threads and the items of one thread, with a limit of all rows, and with a higher one.

    Without the items if the newest is hidden: the SDK leaves hidden items out of a page that the
    store has loaded, so that an empty page may follow the last one with rows.
    """
    talk, user = await conversation(target), target.user
    order = {"order": "desc"}
    threads = await collect(user, "threads.list", order, limit=NO_LIMIT)
    lists = [threads]
    if threads.complete:
        lists.append(await collect(user, "threads.list", order, limit=len(threads.rows)))
    thread, count = {"thread_id": talk.thread_id}, len(talk.items)
    newest = await user.call("items.list", **thread, limit=1, order="desc")
    if newest.ok and not rows(newest.json, "data"):
        return lists
    items = {**thread, "order": "asc"}
    exact = await collect(user, "items.list", items, limit=count)
    return [*lists, exact, await collect(user, "items.list", items, limit=count + 1)]


@check(
    "threads-pages-end",
    level=Level.MUST,
    source="chatkit/types.py Page.has_more",
    fix="Load one row more than `limit` to know whether more rows follow; a full page can be the "
    "last one.",
    needs={"threads-listed", "threads-read-after-first-turn"},
)
async def pages_end(target: Target) -> None:
    """`has_more` is false on the last page, even if the page is full."""
    for pages in await complete_lists(target):
        for response, following in pairwise(pages.responses):
            more = rows(following.json, "data")
            require(more, response, "`has_more` false: no more rows follow", "`has_more` true")


@check(
    "threads-last-cursor",
    level=Level.SHOULD,
    source="chatkit/types.py Page.after: str | None = None",
    fix="Set `after` only if `has_more` is true: a client that asks for the next page while there "
    "is a cursor never stops.",
    needs={"threads-listed", "threads-read-after-first-turn"},
)
async def last_cursor(target: Target) -> None:
    """The last page has no cursor: `after` is null or absent."""
    for pages in await complete_lists(target):
        if pages.complete:
            after = dig(pages.last.json, "after")
            require(not after, pages.last, "no `after`, because `has_more` is false", after)


def _require_order(pages: Pages, wanted: list[str], expected: str) -> None:
    """Fail unless the wanted threads are in the list, in this order."""
    found = [row for row in pages.rows if text_at(row, "id") in wanted]
    require(len(found) == len(wanted), pages.last, expected, ids(found))
    for one, following in pairwise(found):
        in_order = wanted.index(ids([one])[0]) < wanted.index(ids([following])[0])
        # A store without fractions of a second cannot order threads of the same second.
        tie = one.get("created_at") == following.get("created_at")
        require(in_order or tie, pages.last, expected, ids(found))
