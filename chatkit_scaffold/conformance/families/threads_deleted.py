"""Threads that were deleted: they are gone, and stay so."""

import asyncio

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import require, untestable
from chatkit_scaffold.conformance.fixtures import OwnThread, listed_ids, own_thread, unknown_read
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, ids, rows

_STORE = "chatkit/store.py Store"
_COUNT = "Count to thirty in words, all of them: one two three four five six seven and so on."
_MOMENT = 0.3
"""Seconds in which a server stores what is left of an answer after its stream has ended."""


@check(
    "threads-deleted",
    level=Level.MUST,
    source=_STORE + ".delete_thread: Delete a thread and its items",
    fix="Delete the thread and its items in one transaction.",
    needs={"requests-listed", "threads-read-after-first-turn"},
)
async def deleted(target: Target) -> None:
    """After threads.delete, the thread and its items are gone."""
    thread_id = (await own_thread(target)).id
    response = await target.user.call("threads.delete", thread_id=thread_id)
    require(response.ok, response, "200")
    await _require_gone(target, thread_id)
    items = await target.user.call("items.list", thread_id=thread_id, limit=10, order="asc")
    require(not rows(items.json, "data"), items, "404, or an empty page")
    target.user.forget_thread(thread_id)


@check(
    "threads-deleted-stays",
    level=Level.MUST,
    source=_STORE + ".save_thread, .add_thread_item; the SDK saves both during a turn",
    fix="Update threads and add items only if the thread still exists, in the same transaction; "
    "insert a thread only for threads.create.",
    needs={"threads-deleted"},
)
async def deleted_stays(target: Target) -> None:
    """A deleted thread does not come back, not even by an answer that was being streamed."""
    user, thread = target.user, await own_thread(target)
    await _delete_during_answer(target, thread.id)
    await asyncio.sleep(_MOMENT)
    await _require_gone(target, thread.id)
    await _write_to(target, thread)
    await _require_gone(target, thread.id)
    user.forget_thread(thread.id)


async def _delete_during_answer(target: Target, thread_id: str) -> None:
    """Delete a thread at the first delta of an answer, and read the rest of the stream."""
    user = target.user
    deletions: list[asyncio.Task[Exchange]] = []

    def watch(turn: Exchange) -> bool:
        if not deletions and turn.deltas:
            deletions.append(asyncio.create_task(user.call("threads.delete", thread_id=thread_id)))
        return False

    try:
        await user.say(thread_id, _COUNT, watch=watch)
        done = bool(deletions) and (await deletions[0]).ok
    finally:
        for deletion in deletions:
            deletion.cancel()
    # The answer had no deltas, or the server does not delete a thread in the middle of one.
    if not done and not (await user.call("threads.delete", thread_id=thread_id)).ok:
        untestable("threads.delete is refused during and after an answer")


async def _write_to(target: Target, thread: OwnThread) -> None:
    """Send what a page that still shows a deleted thread may send."""
    user = target.user
    await user.say(thread.id, "Are you still there?")
    await user.call("threads.update", thread_id=thread.id, title="Still here")
    await user.call(
        "items.feedback", thread_id=thread.id, item_ids=ids(thread.items)[-1:], kind="positive"
    )


async def _require_gone(target: Target, thread_id: str) -> None:
    """Fail if the thread can be read or is listed."""
    read = await target.user.call("threads.get_by_id", thread_id=thread_id)
    # A server that returns 200 for every id must return it without items.
    empty = (await unknown_read(target)).ok and not rows(read.json, "items", "data")
    require(not read.ok or empty, read, "404, as for a thread that never existed")
    threads, listed = await listed_ids(target)
    require(thread_id not in listed, threads, f"a list without {thread_id}")
