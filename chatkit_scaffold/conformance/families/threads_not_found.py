"""Threads that do not exist."""

from collections.abc import AsyncIterator

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import fail, require
from chatkit_scaffold.conformance.fixtures import listed_ids, unknown_read, unknown_thread
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, text_at

_STORE = "chatkit/store.py Store"
_NOT_ROUTED = (
    "Pass every request body to `ChatKitServer.process`: no store was asked for this thread. An "
    "error needs a status of 400 or above."
)
"""The fix for a success that contains no thread."""


@check(
    "threads-unknown-refused",
    level=Level.MUST,
    source="chatkit/store.py NotFoundError",
    fix="Raise NotFoundError in the store for an unknown thread; never return None or create "
    "a thread.",
    needs={"transport-reachable"},
    judges_errors=True,
)
async def unknown_refused(target: Target) -> None:
    """Reading or renaming an unknown thread returns an error, never success."""
    async for response in _unknown(target):
        is_thread = text_at(response.json, "id") is not None
        fix = "" if is_thread else _NOT_ROUTED
        require(response.is_error, response, "404 Not Found", fix=fix)


@check(
    "threads-unknown-is-404",
    level=Level.SHOULD,
    source="RFC 9110 section 15.5.5 (404 Not Found)",
    fix="Raise the SDK's NotFoundError in Store.load_thread (do not return None), catch it around "
    "`process` and return 404 with JSON.",
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
    needs={"requests-listed"},
    judges_errors=True,
)
async def no_ghosts(target: Target) -> None:
    """Requests for an unknown thread do not create it."""
    user, ghost = target.user, unknown_thread()
    await user.say(ghost, "Anybody?")
    await user.call("threads.update", thread_id=ghost, title="Ghost")
    read = await user.call("threads.get_by_id", thread_id=ghost)
    # A server that returns 200 for every id has not created this thread; see the first check.
    is_created = read.ok and not (await unknown_read(target)).ok
    threads, listed = await listed_ids(target)
    if is_created or ghost in listed:
        fail(read if is_created else threads, f"no thread {ghost}")


async def _unknown(target: Target) -> AsyncIterator[Exchange]:
    """Read an unknown thread, and rename it, unless the first response ends the check."""
    yield await unknown_read(target)
    if not target.read_only:
        yield await target.user.call("threads.update", thread_id=unknown_thread(), title="Nothing")
