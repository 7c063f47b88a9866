"""Other threads: an operation on one thread leaves all others as they are."""

from typing import Any

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import require, untestable
from chatkit_scaffold.conformance.fixtures import OwnThread, conversation, own_thread
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import text_at
from chatkit_scaffold.protocol.journal import Observation

_STORE = "chatkit/store.py Store"


@check(
    "threads-rename-only-one",
    level=Level.MUST,
    source=_STORE + ".save_thread",
    fix="Restrict the UPDATE in save_thread to the thread's id and its owner. The run has sent no "
    "second threads.update, so that it renames nothing else.",
    needs={"threads-listed", "threads-read-after-first-turn"},
)
async def rename_only_one(target: Target) -> None:
    """Renaming a thread does not rename other threads."""
    await require_harmless(target, "threads.update")


@check(
    "threads-delete-only-one",
    level=Level.MUST,
    source=_STORE + ".delete_thread: Delete a thread and its items",
    fix="Delete by the thread's id and its owner, not all that the user has. The run has sent no "
    "second threads.delete, so its other threads are left.",
    needs={"threads-listed", "threads-read-after-first-turn"},
)
async def delete_only_one(target: Target) -> None:
    """Deleting a thread does not delete other threads."""
    await require_harmless(target, "threads.delete")


async def require_harmless(target: Target, operation: str) -> None:
    """Fail if the run's first use of an operation has changed other threads."""
    seen = await _observation(target, operation)
    if seen.harm:
        # What other checks look at may be gone, so they need new threads.
        target.fixtures.clear()
    require(not seen.harm, seen.exchange, "no change to other threads", seen.harm)


async def _observation(target: Target, operation: str) -> Observation:
    """Return what an operation did to other threads, if no check has sent it yet on a new one."""
    observed = target.user.journal.observed
    if operation not in observed:
        await conversation(target)  # another thread
        await _send(target, operation, await own_thread(target))
    if operation not in observed:
        untestable(f"{operation} does not succeed")
    return observed[operation]


async def _send(target: Target, operation: str, own: OwnThread) -> None:
    # The stored id: some servers stream another one, with which no retry can succeed.
    messages = [item for item in own.items if item.get("type") == "user_message"]
    params: dict[str, dict[str, Any]] = {
        "threads.update": {"title": "Only this one"},
        "threads.retry_after_item": {"item_id": text_at(messages, 0, "id")},
    }
    await target.user.request(operation, {"thread_id": own.id, **params.get(operation, {})})
