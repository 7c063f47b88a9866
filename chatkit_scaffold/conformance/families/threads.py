"""Threads: made once, and read back as they were streamed."""

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import require, require_equal
from chatkit_scaffold.conformance.fixtures import conversation
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, dig, ids, item_text, rows, text_at

_STORE = "chatkit/store.py Store (openai-chatkit 1.6.5)"
_TURNS = 2
"""How many turns the conversation has."""


@check(
    "threads-created-once",
    level=Level.MUST,
    source="chatkit/server.py ChatKitServer._process_streaming_impl (openai-chatkit 1.6.5)",
    fix="Create a thread for threads.create only; for threads.add_user_message load the one it "
    "names.",
    needs={"streaming-thread-created", "requests-listed"},
)
async def created_once(target: Target) -> None:
    """A conversation of two turns is one thread."""
    held = await conversation(target)
    expected = "one new thread in threads.list after two turns"
    require(not held.second.of_type("thread.created"), held.second, "no second thread.created")
    known = set(ids(rows(held.before.json, "data"))) | set(target.user.threads)
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
async def read_after_first_turn(target: Target) -> None:
    """A thread can be read straight after its first turn."""
    held = await conversation(target)
    require_thread(held.read_first, held.thread_id)
    require(rows(held.read_first.json, "items", "data"), held.read_first, "the turn's items")


@check(
    "threads-second-message",
    level=Level.MUST,
    source=_STORE + ".load_thread",
    fix="Keep threads outside the request (a database, or one store object for the process).",
    needs={"threads-read-after-first-turn", "streaming-answer-arrives"},
)
async def second_message(target: Target) -> None:
    """A second message goes into the same thread, which then holds both turns."""
    held = await conversation(target)
    require_thread(held.read, held.thread_id)
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
async def read_as_streamed(target: Target) -> None:
    """What is read back is what was streamed: same ids, types, texts and order."""
    held = await conversation(target)
    streamed = {text_at(item, "id"): item for item in held.created.items + held.second.items}
    kept = [item for item in held.items if text_at(item, "id") in streamed]
    require_equal(ids(kept), list(streamed), "ids in order", held.read)
    for item in kept:
        said = streamed[text_at(item, "id")]
        require_equal(item.get("type"), said.get("type"), "type", held.read)
        require_equal(item_text(item), item_text(said), "text", held.read)


def require_thread(answer: Exchange, thread_id: str) -> None:
    """Fail unless the answer is the thread of this id."""
    require(
        answer.ok and dig(answer.json, "id") == thread_id, answer, f"200 and thread {thread_id}"
    )
