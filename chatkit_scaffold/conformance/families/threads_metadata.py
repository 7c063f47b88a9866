"""Thread metadata: the title can be changed, the creation time never, and it has an offset."""

from datetime import datetime

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import require, require_equal, skip
from chatkit_scaffold.conformance.families.threads import require_thread
from chatkit_scaffold.conformance.fixtures import conversation, list_threads, own_thread
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, dig, ids, rows, text_at

_STORE = "chatkit/store.py Store"
_TOLERANCE = 1.0
"""Seconds that a stored time may differ, because some databases drop fractions."""
_ROUNDED = 0.001
"""Seconds by which a time with fractions may differ, because some databases round them."""
_QUARTER_HOUR = 900
"""Seconds; every offset from UTC is a multiple of it."""
_TITLE = "Renamed “by check” 📌"


@check(
    "threads-renamed",
    level=Level.MUST,
    source="chatkit/server.py ThreadsUpdateReq: title set, save_thread",
    fix="Write the title in save_thread, also if the thread exists already.",
    needs={"threads-read-after-first-turn"},
)
async def renamed(target: Target) -> None:
    """A new title is stored: threads.get_by_id and threads.list return it."""
    own = await own_thread(target)
    thread = {"thread_id": own.id}
    response = await target.user.call("threads.update", **thread, title=_TITLE)
    require(response.ok, response, "200 and the thread")
    read = await target.user.call("threads.get_by_id", **thread)
    require_thread(read, own.id)
    require_equal(dig(read.json, "title"), _TITLE, "title", read)
    require_equal(ids(rows(read.json, "items", "data")), ids(own.items), "items", read)
    threads = await list_threads(target)
    for found in rows(threads.json, "data"):
        if found.get("id") == own.id:
            require_equal(found.get("title"), _TITLE, "title in the list", threads)


@check(
    "threads-created-at-stable",
    level=Level.SHOULD,
    source=_STORE + ".save_thread; chatkit/types.py ThreadMetadata.created_at",
    fix="Store the thread's own created_at when it is first saved, and keep it on updates.",
    needs={"threads-read-after-first-turn"},
)
async def created_at_stable(target: Target) -> None:
    """The creation time of a thread or an item never changes."""
    talk = await conversation(target)
    created = talk.first.events_of_type("thread.created")
    streamed_time = dig(created, 0, "thread", "created_at")
    for read in (talk.read_after_first, talk.read_after_second):
        _require_same_time(streamed_time, dig(read.json, "created_at"), read)
    _require_not_renewed(talk.read_after_first, talk.read_after_second)
    streamed = {text_at(item, "id"): item for item in talk.first.items}
    for item in talk.items:
        if original := streamed.get(text_at(item, "id")):
            times = original.get("created_at"), item.get("created_at")
            _require_same_time(*times, talk.read_after_second)


@check(
    "threads-created-at-offset",
    level=Level.SHOULD,
    source="ECMA-262 Date.parse: a date and time without an offset are in the reader's zone",
    fix="Give created_at its offset where you send it, as in 2026-01-01T12:00:00+01:00. In the "
    "store, leave the SDK's own times as they are: it computes with them.",
    needs={"threads-read-after-first-turn"},
)
async def created_at_offset(target: Target) -> None:
    """The creation times of threads and items have an offset from UTC."""
    talk = await conversation(target)
    for exchange in (talk.first, talk.second, talk.read_after_second, talk.threads_after):
        for time in _created_times(exchange, talk.thread_id):
            has_offset = _parse(time).tzinfo is not None
            require(has_offset, exchange, "created_at with an offset or Z", f"created_at {time}")


def _created_times(exchange: Exchange, thread_id: str) -> list[object]:
    """Return the creation times of the thread and its items in a stream, a page or a thread."""
    created = [dig(event, "thread") for event in exchange.events_of_type("thread.created")]
    # Other threads may be older than what sends the offsets.
    listed = [row for row in rows(exchange.json, "data") if row.get("id") == thread_id]
    read = [exchange.json] if text_at(exchange.json, "id") == thread_id else []
    items = [*exchange.items, *rows(exchange.json, "items", "data")]
    return [dig(found, "created_at") for found in (*created, *listed, *read, *items)]


def _require_not_renewed(earlier: Exchange, later: Exchange) -> None:
    """Fail if a thread has become younger between two readings, if only by a moment.

    Each save or reading may set the time anew, within the tolerance of a fast run. A time without
    fractions proves nothing, as a cache may have them where the database does not.
    """
    first, second = dig(earlier.json, "created_at"), dig(later.json, "created_at")
    one, two = _parse(first), _parse(second)
    if one.microsecond and two.microsecond and (one.tzinfo is None) == (two.tzinfo is None):
        gap = (two - one).total_seconds()
        require(gap <= _ROUNDED, later, f"created_at {first}", f"created_at {second}")


def _parse(value: object) -> datetime:
    """Return the time that a string in ISO 8601 means; skip the check if it is none."""
    try:
        return datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        skip("created_at is not an ISO 8601 time")


def _require_same_time(first: object, second: object, response: Exchange) -> None:
    """Fail unless two times are the same moment, as far as their zones are known."""
    one, two = _parse(first), _parse(second)
    naive = (one.tzinfo is None) != (two.tzinfo is None)
    gap = abs((one.replace(tzinfo=None) - two.replace(tzinfo=None)).total_seconds())
    if not naive and one.tzinfo is not None:
        gap = abs((one - two).total_seconds())
    if naive:
        # Only one of them has a time zone: they may differ by a whole offset from UTC.
        gap = min(gap % _QUARTER_HOUR, _QUARTER_HOUR - gap % _QUARTER_HOUR)
    require(gap <= _TOLERANCE, response, f"created_at {first}", f"created_at {second}")
