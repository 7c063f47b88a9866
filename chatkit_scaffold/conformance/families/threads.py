"""Threads: created once, and stored as they were streamed."""

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import (
    require,
    require_equal,
    require_no_server_error,
)
from chatkit_scaffold.conformance.fixtures import conversation
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, dig, ids, item_text, rows, text_at

_STORE = "chatkit/store.py Store (openai-chatkit 1.6.5)"
_TURNS = 2
"""The number of turns in the conversation."""


@check(
    "threads-created-once",
    level=Level.MUST,
    source="chatkit/server.py ChatKitServer._process_streaming_impl (openai-chatkit 1.6.5)",
    fix="Create a thread only for threads.create; for threads.add_user_message, load the thread "
    "in the request.",
    needs={"streaming-thread-created", "requests-listed"},
)
async def created_once(target: Target) -> None:
    """A conversation of two turns creates one thread."""
    talk = await conversation(target)
    expected = "one new thread in threads.list after two turns"
    created_again = talk.second.events_of_type("thread.created")
    require(not created_again, talk.second, "no second thread.created")
    known = set(ids(rows(talk.threads_before.json, "data"))) | set(target.user.created_threads)
    new = [thread for thread in ids(rows(talk.threads_after.json, "data")) if thread not in known]
    require(not new, talk.threads_after, expected, f"others as well: {new[:5]}")


@check(
    "threads-read-after-first-turn",
    level=Level.MUST,
    source="chatkit/server.py ChatKitServer._load_full_thread (openai-chatkit 1.6.5)",
    fix="Store only the ThreadMetadata in save_thread: the SDK passes a Thread whose `items` make "
    "later loads fail.",
    needs={"streaming-thread-created", "requests-listed"},
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
    "threads-second-message",
    level=Level.MUST,
    source=_STORE + ".load_thread",
    fix="Keep threads outside the request: in a database, or in one store object per process.",
    needs={"threads-read-after-first-turn", "streaming-answer-arrives"},
)
async def second_message(target: Target) -> None:
    """A second message is added to the same thread, which then contains both turns."""
    talk = await conversation(target)
    read = talk.read_after_second
    require_thread(read, talk.thread_id)
    messages = [item for item in talk.items if item.get("type") == "user_message"]
    got = f"{len(messages)} of them"
    require(len(messages) == _TURNS, read, "both messages of the user", got)
    count = len(talk.items) - len(messages)
    require(count >= _TURNS, read, "both answers", f"{count} items besides the messages")


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
    require_equal(ids(stored), list(streamed), "ids in order", read)
    for item in stored:
        original = streamed[text_at(item, "id")]
        require_equal(item.get("type"), original.get("type"), "type", read)
        require_equal(item_text(item), item_text(original), "text", read)


def require_thread(response: Exchange, thread_id: str) -> None:
    """Fail unless the response is the thread with this id."""
    is_thread = response.ok and dig(response.json, "id") == thread_id
    require(is_thread, response, f"200 and thread {thread_id}")
