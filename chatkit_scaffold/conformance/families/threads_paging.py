"""Lists of threads and of items: complete, in order, page by page."""

from itertools import pairwise

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import require, require_equal
from chatkit_scaffold.conformance.fixtures import NO_LIMIT, conversation, three_threads
from chatkit_scaffold.conformance.paging import Pages, collect
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import ids, rows, text_at

_STORE = "chatkit/store.py Store (openai-chatkit 1.6.5)"
_FEW_THREADS = 12
"""With more threads, paging from the oldest one would take too many requests."""


@check(
    "threads-listed",
    level=Level.MUST,
    source=_STORE + ".load_threads; chatkit-js sends limit 9999",
    fix="Accept any limit, reduce it if necessary, and return the user's threads.",
    needs={"streaming-thread-created", "requests-listed"},
)
async def threads_listed(target: Target) -> None:
    """threads.list with limit 9999 returns a list that contains the new thread."""
    talk = await conversation(target)
    found = await _list_threads(target, {talk.thread_id})
    require(talk.thread_id in found.ids, found.last, f"{talk.thread_id} in the list", found.ids[:5])


@check(
    "threads-newest-first",
    level=Level.MUST,
    source="chatkit/types.py ThreadListParams.order = 'desc' (openai-chatkit 1.6.5)",
    fix="Honor `order` in Store.load_threads, and sort by created_at or an increasing number.",
    needs={"threads-listed"},
)
async def newest_first(target: Target) -> None:
    """threads.list returns the newest thread first, or the oldest with order 'asc'."""
    created = await three_threads(target)
    newest = await _list_threads(target, set(created))
    _require_order(newest, created[::-1], "the newest thread first")
    oldest = await _list_threads(target, set(created), order="asc")
    _require_order(oldest, created, "the oldest thread first")


@check(
    "threads-paged",
    level=Level.MUST,
    source="chatkit/types.py Page, ThreadListParams (openai-chatkit 1.6.5)",
    fix="Use keyset pagination: return the id of the page's last thread as `after`, and start the "
    "next page behind it.",
    needs={"threads-listed"},
)
async def threads_paged(target: Target) -> None:
    """Paging through threads skips and repeats none, in both orders and with several limits."""
    created = await three_threads(target)
    everything = await target.user.call("threads.list", limit=NO_LIMIT, order="desc")
    total = len(rows(everything.json, "data"))
    for order in ("desc", "asc"):
        for limit in (1, 2, 3):
            wanted = created if order == "desc" or total <= _FEW_THREADS else []
            found = await collect(
                target.user, "threads.list", {"order": order}, limit=limit, until=set(wanted)
            )
            missing = [thread for thread in wanted if thread not in found.ids]
            require(
                not missing,
                found.last,
                f"all threads, limit {limit}, {order}",
                f"missing: {missing}",
            )


@check(
    "threads-items-paged",
    level=Level.MUST,
    source="chatkit/types.py ItemsListParams, Page (openai-chatkit 1.6.5)",
    fix="Honor `limit`, `after` and `order` in Store.load_thread_items; set `has_more` only if "
    "more items follow, and then set `after` too.",
    needs={"threads-second-message"},
)
async def items_paged(target: Target) -> None:
    """Paging through items skips and repeats none, in both orders and with several limits."""
    talk = await conversation(target)
    expected = ids(talk.items)
    # In both orders, a limit that the items fill exactly and one that they do not.
    for order, limit in (("asc", 2), ("asc", 3), ("desc", 1), ("desc", 3)):
        found = await collect(
            target.user,
            "items.list",
            {"thread_id": talk.thread_id, "order": order},
            limit=limit,
        )
        wanted = expected if order == "asc" else expected[::-1]
        require_equal(found.ids, wanted, f"ids, order {order}, limit {limit}", found.last)


@check(
    "threads-items-newest-first",
    level=Level.MUST,
    source="chatkit/types.py ItemsListParams.order = 'desc' (openai-chatkit 1.6.5)",
    fix="Honor the `order` argument in Store.load_thread_items; the default is 'desc'.",
    needs={"threads-second-message"},
)
async def items_newest_first(target: Target) -> None:
    """items.list returns the newest item first by default."""
    talk = await conversation(target)
    response = await target.user.call("items.list", thread_id=talk.thread_id, limit=2)
    found = ids(rows(response.json, "data"))
    newest = ids(talk.items)[-1]
    require(found and found[0] == newest, response, "the newest item first", found)


async def _list_threads(target: Target, wanted: set[str], **order: str) -> Pages:
    """List threads as the client does; read further pages if the server reduces the limit."""
    return await collect(target.user, "threads.list", dict(order), limit=NO_LIMIT, until=wanted)


def _require_order(pages: Pages, wanted: list[str], expected: str) -> None:
    """Fail unless the wanted threads are in the list, in this order."""
    found = [row for row in pages.rows if text_at(row, "id") in wanted]
    require(len(found) == len(wanted), pages.last, expected, ids(found))
    for one, following in pairwise(found):
        in_order = wanted.index(ids([one])[0]) < wanted.index(ids([following])[0])
        # A store without fractions of a second cannot order threads of the same second.
        tie = one.get("created_at") == following.get("created_at")
        require(in_order or tie, pages.last, expected, ids(found))
