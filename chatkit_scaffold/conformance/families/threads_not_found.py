"""Threads that are not there: never made, or deleted."""

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import fail, require
from chatkit_scaffold.conformance.fixtures import EVERYTHING, UNKNOWN_THREAD, library, library_ids
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, ids, rows

_STORE = "chatkit/store.py Store (openai-chatkit 1.6.5)"


@check(
    "threads-unknown-refused",
    level=Level.MUST,
    source="chatkit/store.py NotFoundError (openai-chatkit 1.6.5)",
    fix="Raise NotFoundError in the store for a thread that is not there; never return None or "
    "make one.",
    needs={"requests-listed"},
)
async def unknown_refused(target: Target) -> None:
    """Reading or renaming an unknown thread is an error, never a success."""
    for answer in await _unknown(target):
        require(answer.is_error, answer, "404 Not Found")


@check(
    "threads-unknown-is-404",
    level=Level.SHOULD,
    source="RFC 9110 section 15.5.5 (404 Not Found)",
    fix="Catch the SDK's NotFoundError around `process` and answer 404 with JSON.",
    needs={"threads-unknown-refused"},
)
async def unknown_is_404(target: Target) -> None:
    """An unknown thread is answered with 404 (or another 4xx) and JSON, not with a server error."""
    for answer in await _unknown(target):
        require(
            answer.is_client_error and answer.json is not None, answer, "404 Not Found and JSON"
        )


@check(
    "threads-no-ghosts",
    level=Level.MUST,
    source=_STORE + ".add_thread_item",
    fix="Refuse an unknown thread id in every store method; create threads in threads.create only.",
    needs={"threads-unknown-refused"},
)
async def no_ghosts(target: Target) -> None:
    """Requests for an unknown thread do not bring it into being."""
    await target.user.say(UNKNOWN_THREAD, "Anybody?")
    await target.user.call("threads.update", thread_id=UNKNOWN_THREAD, title="Ghost")
    read = await target.user.call("threads.get_by_id", thread_id=UNKNOWN_THREAD)
    listed = await target.user.call("threads.list", limit=EVERYTHING, order="desc")
    if read.ok or UNKNOWN_THREAD in ids(rows(listed.json, "data")):
        target.user.threads[UNKNOWN_THREAD] = None
        fail(read if read.ok else listed, f"no thread {UNKNOWN_THREAD}")


@check(
    "threads-deleted",
    level=Level.MUST,
    source=_STORE + ".delete_thread: Delete a thread and its items",
    fix="Delete the thread and its items in one transaction.",
    needs={"threads-listed", "threads-unknown-refused"},
)
async def deleted(target: Target) -> None:
    """A deleted thread is gone, and its items with it."""
    gone = library_ids(await library(target))[0]
    user = target.user
    answer = await user.call("threads.delete", thread_id=gone)
    require(answer.ok, answer, "200")
    read = await user.call("threads.get_by_id", thread_id=gone)
    require(not read.ok, read, "404, as for a thread that never was")
    items = await user.call("items.list", thread_id=gone, limit=10, order="asc")
    require(not rows(items.json, "data"), items, "404, or an empty page")
    listed = await user.call("threads.list", limit=EVERYTHING, order="desc")
    require(gone not in ids(rows(listed.json, "data")), listed, f"a list without {gone}")
    user.forget(gone)


async def _unknown(target: Target) -> list[Exchange]:
    user = target.user
    return [
        await user.call("threads.get_by_id", thread_id=UNKNOWN_THREAD),
        await user.call("threads.update", thread_id=UNKNOWN_THREAD, title="Nothing"),
    ]
