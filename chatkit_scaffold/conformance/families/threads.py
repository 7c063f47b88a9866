"""Threads: created once, apart from each other, and stored as they were streamed."""

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import (
    require,
    require_equal,
    require_no_server_error,
)
from chatkit_scaffold.conformance.fixtures import conversation, three_turns
from chatkit_scaffold.conformance.paging import find_threads
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, dig, ids, item_text, rows, text_at

_STORE = "chatkit/store.py Store"
_TURNS = 2
"""The number of turns in the conversation."""
_SAME_ID = (
    "Generate an id for every item: the second answer has the id of the first, such as the Agents "
    "SDK's `__fake_id__`, and replaces it in the store."
)


@check(
    "threads-created-once",
    level=Level.MUST,
    source="chatkit/server.py ChatKitServer._process_streaming_impl",
    fix="Create a thread only for threads.create; for threads.add_user_message, load the thread "
    "in the request.",
    needs={"transport-event-types", "requests-listed"},
)
async def created_once(target: Target) -> None:
    """A conversation of two turns creates one thread."""
    talk = await conversation(target)
    expected = "one new thread in threads.list after two turns"
    created_again = talk.second.events_of_type("thread.created")
    require(not created_again, talk.second, "no second thread.created")
    for before, after in (
        (talk.opening.threads_before, talk.opening.threads_after),
        (talk.threads_before_second, talk.threads_after),
    ):
        # Only what appears during a turn counts: between them, other checks create threads.
        known = {talk.thread_id, *ids(rows(before.json, "data"))}
        new = [thread for thread in ids(rows(after.json, "data")) if thread not in known]
        require(not new, after, expected, f"others as well: {new[:5]}")


@check(
    "threads-read-after-first-turn",
    level=Level.MUST,
    source="chatkit/server.py ChatKitServer._load_full_thread",
    fix="Store only the ThreadMetadata in save_thread: the SDK passes a Thread whose `items` make "
    "later loads fail.",
    needs={"transport-event-types"},
)
async def read_after_first_turn(target: Target) -> None:
    """A thread can be read right after its first turn."""
    talk = await conversation(target)
    require_thread(talk.read_after_first, talk.thread_id)
    items = rows(talk.read_after_first.json, "items", "data")
    if not items:
        require_no_server_error(talk.first)
    require(items, talk.read_after_first, "the turn's items")


@check(
    "threads-listed",
    level=Level.MUST,
    source=_STORE + ".load_threads; chatkit-js sends limit 9999",
    fix="Accept any limit, reduce it if necessary, and return the user's threads.",
    needs={"requests-listed"},
)
async def threads_listed(target: Target) -> None:
    """threads.list with limit 9999 returns a list that contains the new thread."""
    talk = await conversation(target)
    found = await find_threads(target.user, {talk.thread_id})
    require(talk.thread_id in found.ids, found.last, f"{talk.thread_id} in the list", found.ids[:5])


@check(
    "threads-distinct",
    level=Level.MUST,
    source=_STORE + ".generate_thread_id, .load_thread, .load_thread_items",
    fix="Generate an id for every new thread, and load and store threads and items by the id in "
    "the request.",
    needs={"threads-read-after-first-turn", "threads-listed"},
)
async def distinct(target: Target) -> None:
    """Every thread has its own id, its own messages, and its own place in the list."""
    turns = (await three_turns(target))[:_TURNS]
    thread_ids = [turn.thread_id or "" for turn in turns]
    new = thread_ids[0] != thread_ids[1]
    require(new, turns[1], "another id than that of the first thread", f"{thread_ids[0]} again")
    for turn, thread_id in zip(turns, thread_ids, strict=True):
        read = await target.user.call("threads.get_by_id", thread_id=thread_id)
        require_thread(read, thread_id)
        expected = set(map(item_text, turn.user_messages))
        require_equal(_message_texts(read), expected, "messages of this thread", read)
    found = await find_threads(target.user, set(thread_ids))
    missing = set(thread_ids) - set(found.ids)
    require(not missing, found.last, "both new threads in the list", f"missing: {missing}")


@check(
    "threads-second-message",
    level=Level.MUST,
    source=_STORE + ".load_thread",
    fix="Keep threads outside the request: in a database, or in one store object per process.",
    needs={"threads-distinct", "streaming-answer-arrives"},
)
async def second_message(target: Target) -> None:
    """A second message is added to the same thread, which then contains both turns."""
    talk = await conversation(target)
    read = talk.read_after_second
    require_thread(read, talk.thread_id)
    messages = [item for item in talk.items if item.get("type") == "user_message"]
    # More of them are another mistake, which items-message-once reports.
    texts = _message_texts(read)
    require(len(texts) >= _TURNS, read, "both messages of the user", f"only {texts}")
    count = len(talk.items) - len(messages)
    answers = ids(talk.first.answers + talk.second.answers)
    replaced = len(set(answers)) < len(answers)
    got = f"{count} items besides the messages"
    require(count >= _TURNS, read, "both answers", got, fix=_SAME_ID if replaced else "")


@check(
    "threads-read-as-streamed",
    level=Level.MUST,
    source=_STORE + ".add_thread_item, .load_thread_items",
    fix="Store whole items in the order in which they were added, keyed by thread and item id.",
    needs={"threads-second-message"},
)
async def read_as_streamed(target: Target) -> None:
    """The server stores items as it streams them: same ids, types, texts and order."""
    talk = await conversation(target)
    read = talk.read_after_second
    streamed = {text_at(item, "id"): item for item in talk.first.items + talk.second.items}
    stored = [item for item in talk.items if text_at(item, "id") in streamed]
    # An item that is stored twice is another mistake, which items-ids-unique reports.
    require_equal(list(dict.fromkeys(ids(stored))), list(streamed), "ids in order", read)
    for item in stored:
        original = streamed[text_at(item, "id")]
        require_equal(item.get("type"), original.get("type"), "type", read)
        require_equal(item_text(item), item_text(original), "text", read)


def require_thread(response: Exchange, thread_id: str) -> None:
    """Fail unless the response is the thread with this id."""
    is_thread = response.ok and dig(response.json, "id") == thread_id
    require(is_thread, response, f"200 and thread {thread_id}")


def _message_texts(read: Exchange) -> set[str]:
    """Return the different texts of the user's messages in a thread."""
    items = rows(read.json, "items", "data")
    return {item_text(item) for item in items if item.get("type") == "user_message"}
