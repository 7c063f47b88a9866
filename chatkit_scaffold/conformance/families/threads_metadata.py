"""What is kept about a thread: its title can be changed, its time of creation cannot."""

from datetime import datetime

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import require, require_equal, skip
from chatkit_scaffold.conformance.families.threads import require_thread
from chatkit_scaffold.conformance.fixtures import EVERYTHING, conversation
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, dig, ids, rows, text_at

_STORE = "chatkit/store.py Store (openai-chatkit 1.6.5)"
_SECOND = 1.0
"""Seconds that a stored time may differ: some databases keep no fractions."""
_QUARTER = 900
"""Seconds; all offsets from UTC are multiples of a quarter of an hour."""
_TITLE = "Renamed “by check” 📌"


@check(
    "threads-renamed",
    level=Level.MUST,
    source="chatkit/server.py ThreadsUpdateReq: title set, save_thread (openai-chatkit 1.6.5)",
    fix="Write the title in save_thread, also for a thread that exists already.",
    needs={"threads-read-after-first-turn"},
)
async def renamed(target: Target) -> None:
    """A new title is kept: in the answer, when the thread is read, and in the list."""
    held = await conversation(target)
    thread = {"thread_id": held.thread_id}
    answer = await target.user.call("threads.update", **thread, title=_TITLE)
    require(answer.ok, answer, "200 and the thread")
    read = await target.user.call("threads.get_by_id", **thread)
    require_thread(read, held.thread_id)
    require_equal(dig(read.json, "title"), _TITLE, "title", read)
    require_equal(ids(rows(read.json, "items", "data")), ids(held.items), "items", read)
    listed = await target.user.call("threads.list", limit=EVERYTHING, order="desc")
    for found in rows(listed.json, "data"):
        if found.get("id") == held.thread_id:
            require_equal(found.get("title"), _TITLE, "title in the list", listed)


@check(
    "threads-created-at-stable",
    level=Level.SHOULD,
    source=_STORE + ".save_thread; chatkit/types.py ThreadMetadata.created_at",
    fix="Store created_at as it is given when the thread is first saved; do not set it again on "
    "updates.",
    needs={"threads-read-after-first-turn"},
)
async def created_at_stable(target: Target) -> None:
    """The time at which a thread or an item was made never changes."""
    held = await conversation(target)
    created = held.created.of_type("thread.created")
    told = dig(created, 0, "thread", "created_at")
    for read in (held.read_first, held.read):
        _require_same_time(told, dig(read.json, "created_at"), read)
    streamed = {text_at(item, "id"): item for item in held.created.items}
    for item in held.items:
        if said := streamed.get(text_at(item, "id")):
            _require_same_time(said.get("created_at"), item.get("created_at"), held.read)


def _require_same_time(first: object, second: object, answer: Exchange) -> None:
    """Fail unless two times are the same moment, as far as can be told."""
    try:
        one, two = datetime.fromisoformat(str(first)), datetime.fromisoformat(str(second))
    except ValueError:
        skip("created_at is not a time in ISO 8601")
    naive = (one.tzinfo is None) != (two.tzinfo is None)
    gap = abs((one.replace(tzinfo=None) - two.replace(tzinfo=None)).total_seconds())
    if not naive and one.tzinfo is not None:
        gap = abs((one - two).total_seconds())
    if naive:
        # One tells its zone and the other does not: they may be a whole offset apart.
        gap = min(gap % _QUARTER, _QUARTER - gap % _QUARTER)
    require(gap <= _SECOND, answer, f"created_at {first}", f"created_at {second}")
