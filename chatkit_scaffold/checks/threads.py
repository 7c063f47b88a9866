"""Threads: made once, read back as they were streamed, listed, renamed, deleted."""

from datetime import datetime
from itertools import pairwise

from chatkit_scaffold.checks.material import (
    EVERYTHING,
    UNKNOWN_THREAD,
    conversation,
    library,
    library_ids,
)
from chatkit_scaffold.checks.model import Level, check, fail, require, require_equal, skip
from chatkit_scaffold.checks.paging import Pages, collect
from chatkit_scaffold.checks.subject import Subject
from chatkit_scaffold.exchange import Exchange, dig, ids, item_text, rows, text_at

_STORE = "chatkit/store.py Store (openai-chatkit 1.6.5)"
_SECOND = 1.0
"""Seconds that a stored time may differ: some databases keep no fractions."""
_QUARTER = 900
"""Seconds; all offsets from UTC are multiples of a quarter of an hour."""
_TURNS = 2
"""How many turns the conversation has."""
_FEW = 12
"""So many threads can be paged through from their oldest; a real account has more."""
_TITLE = "Renamed “by check” 📌"


@check(
    "threads-created-once",
    level=Level.MUST,
    source="chatkit/server.py ChatKitServer._process_streaming_impl (openai-chatkit 1.6.5)",
    fix="Create a thread for threads.create only; for threads.add_user_message load the one it "
    "names.",
    needs={"streaming-thread-created", "requests-listed"},
)
async def created_once(subject: Subject) -> None:
    """A conversation of two turns is one thread."""
    held = await conversation(subject)
    expected = "one new thread in threads.list after two turns"
    require(not held.second.of_type("thread.created"), held.second, "no second thread.created")
    known = set(ids(rows(held.before.json, "data"))) | set(subject.user.threads)
    new = [thread for thread in ids(rows(held.listed.json, "data")) if thread not in known]
    require(not new, held.listed, expected, f"others as well: {new[:5]}")


@check(
    "threads-read-after-first-turn",
    level=Level.MUST,
    source="chatkit/server.py ChatKitServer._load_full_thread (openai-chatkit 1.6.5)",
    fix="In save_thread keep ThreadMetadata only: the SDK hands over a Thread whose `items` make "
    "loading fail later.",
    needs={"streaming-thread-created", "requests-listed"},
)
async def read_after_first_turn(subject: Subject) -> None:
    """A thread can be read straight after its first turn."""
    held = await conversation(subject)
    _require_thread(held.read_first, held.thread_id)
    require(rows(held.read_first.json, "items", "data"), held.read_first, "the turn's items")


@check(
    "threads-second-message",
    level=Level.MUST,
    source=_STORE + ".load_thread",
    fix="Keep threads outside the request (a database, or one store object for the process).",
    needs={"threads-read-after-first-turn", "streaming-answer-arrives"},
)
async def second_message(subject: Subject) -> None:
    """A second message goes into the same thread, which then holds both turns."""
    held = await conversation(subject)
    _require_thread(held.read, held.thread_id)
    messages = [item for item in held.items if item.get("type") == "user_message"]
    seen = f"{len(messages)} of them"
    require(len(messages) == _TURNS, held.read, "both messages of the user", seen)
    count = len(held.items) - len(messages)
    require(count >= _TURNS, held.read, "both answers", f"{count} items besides the messages")


@check(
    "threads-read-as-streamed",
    level=Level.MUST,
    source=_STORE + ".add_thread_item, .load_thread_items",
    fix="Store items whole and in the order they were added; key them by thread and id.",
    needs={"threads-second-message"},
)
async def read_as_streamed(subject: Subject) -> None:
    """What is read back is what was streamed: same ids, types, texts and order."""
    held = await conversation(subject)
    streamed = {text_at(item, "id"): item for item in held.created.items + held.second.items}
    kept = [item for item in held.items if text_at(item, "id") in streamed]
    require_equal(ids(kept), list(streamed), "ids in order", held.read)
    for item in kept:
        said = streamed[text_at(item, "id")]
        require_equal(item.get("type"), said.get("type"), "type", held.read)
        require_equal(item_text(item), item_text(said), "text", held.read)


@check(
    "threads-listed",
    level=Level.MUST,
    source=_STORE + ".load_threads; chatkit-js asks with limit 9999",
    fix="Accept any limit, capping it if you must, and return the user's threads.",
    needs={"streaming-thread-created", "requests-listed"},
)
async def threads_listed(subject: Subject) -> None:
    """threads.list with limit 9999 is answered and holds the new thread."""
    held = await conversation(subject)
    found = await _listed(subject, {held.thread_id})
    require(held.thread_id in found.ids, found.last, f"{held.thread_id} in the list", found.ids[:5])


@check(
    "threads-newest-first",
    level=Level.MUST,
    source="chatkit/types.py ThreadListParams.order = 'desc' (openai-chatkit 1.6.5)",
    fix="Order by created_at (or an increasing number) in Store.load_threads and honour `order`.",
    needs={"threads-listed"},
)
async def newest_first(subject: Subject) -> None:
    """threads.list returns the newest thread first, and the oldest first when asked to."""
    made = library_ids(await library(subject))
    newest = await _listed(subject, set(made))
    _require_order(newest, made[::-1], "the newest thread first")
    oldest = await _listed(subject, set(made), order="asc")
    _require_order(oldest, made, "the oldest thread first")


@check(
    "threads-paged",
    level=Level.MUST,
    source="chatkit/types.py Page, ThreadListParams (openai-chatkit 1.6.5)",
    fix="Page by a key: return `after` = id of the page's last thread, and start behind it next "
    "time.",
    needs={"threads-listed"},
)
async def threads_paged(subject: Subject) -> None:
    """Paging through threads, both ways and at several sizes, misses and repeats nothing."""
    made = library_ids(await library(subject))
    whole = await subject.user.call("threads.list", limit=EVERYTHING, order="desc")
    total = len(rows(whole.json, "data"))
    for order in ("desc", "asc"):
        for limit in (1, 2, 3):
            wanted = made if order == "desc" or total <= _FEW else []
            found = await collect(
                subject.user, "threads.list", {"order": order}, limit=limit, until=set(wanted)
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
async def items_paged(subject: Subject) -> None:
    """Paging through items, both ways and at any size, misses and repeats nothing."""
    held = await conversation(subject)
    expected = ids(held.items)
    for order in ("asc", "desc"):
        for limit in (1, 2, 3):
            found = await collect(
                subject.user,
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
async def items_newest_first(subject: Subject) -> None:
    """items.list returns the newest item first when no order is given."""
    held = await conversation(subject)
    answer = await subject.user.call("items.list", thread_id=held.thread_id, limit=2)
    found = ids(rows(answer.json, "data"))
    require(found and found[0] == ids(held.items)[-1], answer, "the newest item first", found)


@check(
    "threads-renamed",
    level=Level.MUST,
    source="chatkit/server.py ThreadsUpdateReq: title set, save_thread (openai-chatkit 1.6.5)",
    fix="Write the title in save_thread, also for a thread that exists already.",
    needs={"threads-read-after-first-turn"},
)
async def renamed(subject: Subject) -> None:
    """A new title is kept: in the answer, when the thread is read, and in the list."""
    held = await conversation(subject)
    thread = {"thread_id": held.thread_id}
    answer = await subject.user.call("threads.update", **thread, title=_TITLE)
    require(answer.ok, answer, "200 and the thread")
    read = await subject.user.call("threads.get_by_id", **thread)
    _require_thread(read, held.thread_id)
    require_equal(dig(read.json, "title"), _TITLE, "title", read)
    require_equal(ids(rows(read.json, "items", "data")), ids(held.items), "items", read)
    listed = await subject.user.call("threads.list", limit=EVERYTHING, order="desc")
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
async def created_at_stable(subject: Subject) -> None:
    """The time at which a thread or an item was made never changes."""
    held = await conversation(subject)
    created = held.created.of_type("thread.created")
    told = dig(created, 0, "thread", "created_at")
    for read in (held.read_first, held.read):
        _require_same_time(told, dig(read.json, "created_at"), read)
    streamed = {text_at(item, "id"): item for item in held.created.items}
    for item in held.items:
        if said := streamed.get(text_at(item, "id")):
            _require_same_time(said.get("created_at"), item.get("created_at"), held.read)


@check(
    "threads-unknown-refused",
    level=Level.MUST,
    source="chatkit/store.py NotFoundError (openai-chatkit 1.6.5)",
    fix="Raise NotFoundError in the store for a thread that is not there; never return None or "
    "make one.",
    needs={"requests-listed"},
)
async def unknown_refused(subject: Subject) -> None:
    """Reading or renaming an unknown thread is an error, never a success."""
    for answer in await _unknown(subject):
        require(answer.failed, answer, "404 Not Found")


@check(
    "threads-unknown-is-404",
    level=Level.SHOULD,
    source="RFC 9110 section 15.5.5 (404 Not Found)",
    fix="Catch the SDK's NotFoundError around `process` and answer 404 with JSON.",
    needs={"threads-unknown-refused"},
)
async def unknown_is_404(subject: Subject) -> None:
    """An unknown thread is answered with 404 (or another 4xx) and JSON, not with a server error."""
    for answer in await _unknown(subject):
        require(answer.refused and answer.json is not None, answer, "404 Not Found and JSON")


@check(
    "threads-no-ghosts",
    level=Level.MUST,
    source=_STORE + ".add_thread_item",
    fix="Refuse an unknown thread id in every store method; create threads in threads.create only.",
    needs={"threads-unknown-refused"},
)
async def no_ghosts(subject: Subject) -> None:
    """Requests for an unknown thread do not bring it into being."""
    await subject.user.say(UNKNOWN_THREAD, "Anybody?")
    await subject.user.call("threads.update", thread_id=UNKNOWN_THREAD, title="Ghost")
    read = await subject.user.call("threads.get_by_id", thread_id=UNKNOWN_THREAD)
    listed = await subject.user.call("threads.list", limit=EVERYTHING, order="desc")
    if read.ok or UNKNOWN_THREAD in ids(rows(listed.json, "data")):
        subject.user.threads[UNKNOWN_THREAD] = None
        fail(read if read.ok else listed, f"no thread {UNKNOWN_THREAD}")


@check(
    "threads-deleted",
    level=Level.MUST,
    source=_STORE + ".delete_thread: Delete a thread and its items",
    fix="Delete the thread and its items in one transaction.",
    needs={"threads-listed", "threads-unknown-refused"},
)
async def deleted(subject: Subject) -> None:
    """A deleted thread is gone, and its items with it."""
    gone = library_ids(await library(subject))[0]
    user = subject.user
    answer = await user.call("threads.delete", thread_id=gone)
    require(answer.ok, answer, "200")
    read = await user.call("threads.get_by_id", thread_id=gone)
    require(not read.ok, read, "404, as for a thread that never was")
    items = await user.call("items.list", thread_id=gone, limit=10, order="asc")
    require(not rows(items.json, "data"), items, "404, or an empty page")
    listed = await user.call("threads.list", limit=EVERYTHING, order="desc")
    require(gone not in ids(rows(listed.json, "data")), listed, f"a list without {gone}")
    user.forget(gone)


async def _unknown(subject: Subject) -> list[Exchange]:
    user = subject.user
    return [
        await user.call("threads.get_by_id", thread_id=UNKNOWN_THREAD),
        await user.call("threads.update", thread_id=UNKNOWN_THREAD, title="Nothing"),
    ]


def _require_thread(answer: Exchange, thread_id: str) -> None:
    require(
        answer.ok and dig(answer.json, "id") == thread_id, answer, f"200 and thread {thread_id}"
    )


async def _listed(subject: Subject, wanted: set[str], **order: str) -> Pages:
    """List threads as the client does, and on where the server caps the limit."""
    return await collect(subject.user, "threads.list", dict(order), limit=EVERYTHING, until=wanted)


def _require_order(pages: Pages, wanted: list[str], expected: str) -> None:
    """Fail unless the wanted threads are in the list in this order."""
    found = [row for row in pages.rows if text_at(row, "id") in wanted]
    require(len(found) == len(wanted), pages.last, expected, ids(found))
    for one, next_one in pairwise(found):
        right = wanted.index(ids([one])[0]) < wanted.index(ids([next_one])[0])
        # Threads of the same second may come in any order where no fraction is kept.
        tie = one.get("created_at") == next_one.get("created_at")
        require(right or tie, pages.last, expected, ids(found))


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
