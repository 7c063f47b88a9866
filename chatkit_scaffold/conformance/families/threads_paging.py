"""Lists of threads and of a thread's items: complete, in order, page by page."""

from itertools import pairwise

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import require, require_equal
from chatkit_scaffold.conformance.fixtures import EVERYTHING, conversation, library, library_ids
from chatkit_scaffold.conformance.paging import Pages, collect
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import ids, rows, text_at

_STORE = "chatkit/store.py Store (openai-chatkit 1.6.5)"
_FEW = 12
"""So many threads can be paged through from their oldest; a real account has more."""


@check(
    "threads-listed",
    level=Level.MUST,
    source=_STORE + ".load_threads; chatkit-js asks with limit 9999",
    fix="Accept any limit, capping it if you must, and return the user's threads.",
    needs={"streaming-thread-created", "requests-listed"},
)
async def threads_listed(target: Target) -> None:
    """threads.list with limit 9999 is answered and holds the new thread."""
    held = await conversation(target)
    found = await _listed(target, {held.thread_id})
    require(held.thread_id in found.ids, found.last, f"{held.thread_id} in the list", found.ids[:5])


@check(
    "threads-newest-first",
    level=Level.MUST,
    source="chatkit/types.py ThreadListParams.order = 'desc' (openai-chatkit 1.6.5)",
    fix="Order by created_at (or an increasing number) in Store.load_threads and honour `order`.",
    needs={"threads-listed"},
)
async def newest_first(target: Target) -> None:
    """threads.list returns the newest thread first, and the oldest first when asked to."""
    made = library_ids(await library(target))
    newest = await _listed(target, set(made))
    _require_order(newest, made[::-1], "the newest thread first")
    oldest = await _listed(target, set(made), order="asc")
    _require_order(oldest, made, "the oldest thread first")


@check(
    "threads-paged",
    level=Level.MUST,
    source="chatkit/types.py Page, ThreadListParams (openai-chatkit 1.6.5)",
    fix="Page by a key: return `after` = id of the page's last thread, and start behind it next "
    "time.",
    needs={"threads-listed"},
)
async def threads_paged(target: Target) -> None:
    """Paging through threads, both ways and at several sizes, misses and repeats nothing."""
    made = library_ids(await library(target))
    whole = await target.user.call("threads.list", limit=EVERYTHING, order="desc")
    total = len(rows(whole.json, "data"))
    for order in ("desc", "asc"):
        for limit in (1, 2, 3):
            wanted = made if order == "desc" or total <= _FEW else []
            found = await collect(
                target.user, "threads.list", {"order": order}, limit=limit, until=set(wanted)
            )
            missing = [thread for thread in wanted if thread not in found.ids]
            require(
                not missing,
                found.last,
                f"all threads, limit {limit}, {order}",
                f"without {missing}",
            )


@check(
    "threads-items-paged",
    level=Level.MUST,
    source="chatkit/types.py ItemsListParams, Page (openai-chatkit 1.6.5)",
    fix="Honour `limit`, `after` and `order` in Store.load_thread_items; `has_more` is true only "
    "if more follows, and then `after` is set.",
    needs={"threads-second-message"},
)
async def items_paged(target: Target) -> None:
    """Paging through items, both ways and at any size, misses and repeats nothing."""
    held = await conversation(target)
    expected = ids(held.items)
    for order in ("asc", "desc"):
        for limit in (1, 2, 3):
            found = await collect(
                target.user,
                "items.list",
                {"thread_id": held.thread_id, "order": order},
                limit=limit,
            )
            wanted = expected if order == "asc" else expected[::-1]
            require_equal(found.ids, wanted, f"ids, order {order}, limit {limit}", found.last)


@check(
    "threads-items-newest-first",
    level=Level.MUST,
    source="chatkit/types.py ItemsListParams.order = 'desc' (openai-chatkit 1.6.5)",
    fix="Honour the `order` argument in Store.load_thread_items; it is 'desc' when none was sent.",
    needs={"threads-second-message"},
)
async def items_newest_first(target: Target) -> None:
    """items.list returns the newest item first when no order is given."""
    held = await conversation(target)
    answer = await target.user.call("items.list", thread_id=held.thread_id, limit=2)
    found = ids(rows(answer.json, "data"))
    require(found and found[0] == ids(held.items)[-1], answer, "the newest item first", found)


async def _listed(target: Target, wanted: set[str], **order: str) -> Pages:
    """List threads as the client does, and on where the server caps the limit."""
    return await collect(target.user, "threads.list", dict(order), limit=EVERYTHING, until=wanted)


def _require_order(pages: Pages, wanted: list[str], expected: str) -> None:
    """Fail unless the wanted threads are in the list in this order."""
    found = [row for row in pages.rows if text_at(row, "id") in wanted]
    require(len(found) == len(wanted), pages.last, expected, ids(found))
    for one, next_one in pairwise(found):
        right = wanted.index(ids([one])[0]) < wanted.index(ids([next_one])[0])
        # Threads of the same second may come in any order where no fraction is kept.
        tie = one.get("created_at") == next_one.get("created_at")
        require(right or tie, pages.last, expected, ids(found))
