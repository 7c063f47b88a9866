"""Threads that do not exist, or no longer exist."""

from collections.abc import AsyncIterator

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import fail, require
from chatkit_scaffold.conformance.fixtures import NO_LIMIT, UNKNOWN_THREAD, three_threads
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, ids, rows

_STORE = "chatkit/store.py Store (openai-chatkit 1.6.5)"


@check(
    "threads-unknown-refused",
    level=Level.MUST,
    source="chatkit/store.py NotFoundError (openai-chatkit 1.6.5)",
    fix="Raise NotFoundError in the store for an unknown thread; never return None or create "
    "a thread.",
    needs={"requests-listed"},
    judges_errors=True,
)
async def unknown_refused(target: Target) -> None:
    """Reading or renaming an unknown thread returns an error, never success."""
    async for response in _unknown(target):
        require(response.is_error, response, "404 Not Found")


@check(
    "threads-unknown-is-404",
    level=Level.SHOULD,
    source="RFC 9110 section 15.5.5 (404 Not Found)",
    fix="Catch the SDK's NotFoundError around `process` and return 404 with JSON.",
    needs={"threads-unknown-refused"},
    judges_errors=True,
)
async def unknown_is_404(target: Target) -> None:
    """The server returns 404 or another 4xx, with JSON, for an unknown thread."""
    async for response in _unknown(target):
        is_json_error = response.is_client_error and response.json is not None
        require(is_json_error, response, "404 Not Found and JSON")


@check(
    "threads-no-ghosts",
    level=Level.MUST,
    source=_STORE + ".add_thread_item",
    fix="Reject an unknown thread id in every store method; create threads only for "
    "threads.create.",
    needs={"threads-unknown-refused"},
    judges_errors=True,
)
async def no_ghosts(target: Target) -> None:
    """Requests for an unknown thread do not create it."""
    await target.user.say(UNKNOWN_THREAD, "Anybody?")
    await target.user.call("threads.update", thread_id=UNKNOWN_THREAD, title="Ghost")
    read = await target.user.call("threads.get_by_id", thread_id=UNKNOWN_THREAD)
    threads = await target.user.call("threads.list", limit=NO_LIMIT, order="desc")
    if read.ok or UNKNOWN_THREAD in ids(rows(threads.json, "data")):
        fail(read if read.ok else threads, f"no thread {UNKNOWN_THREAD}")


@check(
    "threads-deleted",
    level=Level.MUST,
    source=_STORE + ".delete_thread: Delete a thread and its items",
    fix="Delete the thread and its items in one transaction.",
    needs={"threads-listed", "threads-unknown-refused"},
)
async def deleted(target: Target) -> None:
    """After threads.delete, the thread and its items are gone."""
    user, thread_id = target.user, (await three_threads(target))[0]
    response = await user.call("threads.delete", thread_id=thread_id)
    require(response.ok, response, "200")
    read = await user.call("threads.get_by_id", thread_id=thread_id)
    require(not read.ok, read, "404, as for a thread that never existed")
    items = await user.call("items.list", thread_id=thread_id, limit=10, order="asc")
    require(not rows(items.json, "data"), items, "404, or an empty page")
    threads = await user.call("threads.list", limit=NO_LIMIT, order="desc")
    is_listed = thread_id in ids(rows(threads.json, "data"))
    require(not is_listed, threads, f"a list without {thread_id}")
    user.forget_thread(thread_id)


async def _unknown(target: Target) -> AsyncIterator[Exchange]:
    """Read an unknown thread, and rename it, unless the first response ends the check."""
    yield await target.user.call("threads.get_by_id", thread_id=UNKNOWN_THREAD)
    if not target.read_only:
        yield await target.user.call("threads.update", thread_id=UNKNOWN_THREAD, title="Nothing")
