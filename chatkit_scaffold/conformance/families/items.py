"""Messages: their ids, their text, and what becomes of them on retry and stop."""

import json
import re
from collections import Counter

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import fail, require, require_equal, skip
from chatkit_scaffold.conformance.fixtures import (
    Stopped,
    conversation,
    fixture,
    library,
    library_ids,
    retried,
    stopped,
)
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.client import user_input
from chatkit_scaffold.protocol.exchange import Exchange, dig, ids, item_text, rows

_STORE = "chatkit/store.py Store (openai-chatkit 1.6.5)"
_SERVER = "chatkit/server.py ChatKitServer (openai-chatkit 1.6.5)"
_TEXT = (
    "Exactly: “quoted” 'single' \"double\" <b>bold</b> &amp; 100% \\n C:\\temp {{x}} %s\n"
    "\ttabbed  two spaces; naïve (composed) nai\u0308ve (combining) "
    "漢字 العربية 👩‍👩‍👧‍👦 🇨🇭 '; DROP--"
)
_QUOTE = "“What was said before”"
_CONTROL = "bell \x07 and nothing \x00 in between"
_HIDDEN = ("hidden_context_item", "sdk_hidden_context")
_SHORT_ID = re.compile(r"(?:[A-Za-z]+[_-])?[0-9a-f]{1,8}")
"""A prefix and at most 32 random bits: even odds of a collision at 77,000 items."""


@fixture
async def exact(target: Target) -> tuple[Exchange, Exchange]:
    """A message full of odd characters, with a quotation, and its thread read back."""
    turn = await target.user.stream("threads.create", input=user_input(_TEXT, quoted_text=_QUOTE))
    read = await target.user.call("threads.get_by_id", thread_id=turn.thread_id or "")
    return turn, read


@check(
    "items-text-exact",
    level=Level.MUST,
    source=_STORE + ".add_thread_item; chatkit/types.py UserMessageTextContent",
    fix="Store text as it is: UTF-8 end to end, parameters bound, nothing escaped, stripped or "
    "cut.",
    needs={"threads-read-after-first-turn"},
)
async def text_exact(target: Target) -> None:
    """Text comes back exactly as it was sent, whatever characters it has."""
    turn, read = await exact(target)
    for answer, items in ((turn, turn.user_messages), (read, _messages(read))):
        require(items, answer, "the user's message")
        require_equal(item_text(items[0]), _TEXT, "text", answer)


@check(
    "items-quotation-kept",
    level=Level.SHOULD,
    source="chatkit/types.py UserMessageItem.quoted_text (openai-chatkit 1.6.5)",
    fix="Keep the whole item (`model_dump(mode='json')`), not only its text.",
    needs={"items-text-exact"},
)
async def quotation_kept(target: Target) -> None:
    """A quotation in a message is read back with it."""
    _, read = await exact(target)
    require_equal(_messages(read)[0].get("quoted_text"), _QUOTE, "quoted_text", read)


@check(
    "items-control-characters",
    level=Level.MUST,
    source="PostgreSQL documentation, 8.3 Character Types: the character with code zero cannot "
    "be stored",
    fix="Refuse control characters with a 4xx before anything is stored, or store items as JSON "
    "text.",
    needs={"threads-read-after-first-turn"},
)
async def control_characters(target: Target) -> None:
    """Control characters are kept or refused with a 4xx, not dropped and not a server error."""
    turn = await target.user.create_thread(_CONTROL)
    if turn.is_client_error or (turn.ok and turn.of_type("error") and not turn.user_messages):
        return
    expected = "the text as it was sent, or a 4xx"
    require(turn.ok and turn.user_messages, turn, expected)
    require_equal(item_text(turn.user_messages[0]), _CONTROL, "text", turn)
    read = await target.user.call("threads.get_by_id", thread_id=turn.thread_id or "")
    require(_messages(read), read, expected)
    require_equal(item_text(_messages(read)[0]), _CONTROL, "text", read)


@check(
    "items-ids-unique",
    level=Level.MUST,
    source="agents FAKE_RESPONSES_ID '__fake_id__', the id of every Chat Completions message",
    fix="Give every item an id of your own and use it in all events of the item; key items by "
    "(thread, id).",
    needs={"streaming-answer-arrives"},
)
async def ids_unique(target: Target) -> None:
    """No two items have the same id, in one thread or in two."""
    held = await conversation(target)
    turns = [held.created, held.second, *await library(target)]
    counted = Counter(item_id for turn in turns for item_id in set(ids(turn.items)))
    twice = [item_id for item_id, count in counted.items() if count > 1]
    require(not twice, held.second, "an id of its own for every item", f"again: {twice[:3]}")
    in_thread = Counter(ids(held.items))
    twice = [item_id for item_id, count in in_thread.items() if count > 1]
    require(not twice, held.read, "an id of its own for every item", f"again: {twice[:3]}")


@check(
    "items-ids-long",
    level=Level.SHOULD,
    source="chatkit/store.py default_generate_id: 8 hexadecimal digits (openai-chatkit 1.6.5)",
    fix="Override generate_thread_id and generate_item_id with 128 random bits (`uuid4().hex`).",
    needs={"threads-read-after-first-turn"},
)
async def ids_long(target: Target) -> None:
    """Random ids are long enough not to collide."""
    held = await conversation(target)
    known = {held.thread_id, *ids(held.items)}
    # A number counted up cannot collide, however short it is.
    short = [one for one in known if _SHORT_ID.fullmatch(one) and not one.isdecimal()]
    most = len(short) * 2 > len(known)
    require(not most, held.read, "ids with more than 32 random bits", f"such as {short[:2]}")


@check(
    "items-message-once",
    level=Level.MUST,
    source=_SERVER + "._process_new_thread_item_respond adds the message itself",
    fix="Do not store the user's message in `respond`: the SDK has done so; make add_thread_item "
    "an upsert.",
    needs={"threads-read-after-first-turn"},
)
async def message_once(target: Target) -> None:
    """The user's message is stored once."""
    held = await conversation(target)
    for sent, read in ((held.created, held.read_first), (held.second, held.read)):
        text = item_text(sent.user_messages[0]) if sent.user_messages else ""
        count = sum(item_text(message) == text for message in _messages(read))
        require(count == 1, read, f"{text!r} once", f"{count} times")


@check(
    "items-retry-answers",
    level=Level.MUST,
    source=_SERVER + ".ThreadsRetryAfterItemReq",
    fix="Honour `order` and `after` in load_thread_items: retry pages newest first until it "
    "meets the message.",
    needs={"threads-second-message", "streaming-ends"},
)
async def retry_answers(target: Target) -> None:
    """A retry streams another answer to the message, and ends."""
    held = await retried(target)
    require(held.turn.ok, held.turn, "200, a stream and its end")
    for event in held.turn.of_type("error"):
        fail(held.turn, "an answer", event)
    require(held.turn.answers, held.turn, "thread.item.done with an answer")


@check(
    "items-retry-replaces",
    level=Level.MUST,
    source=_SERVER + ".ThreadsRetryAfterItemReq: all items after the user message",
    fix="Delete exactly the items behind the message: load_thread_items must honour `order` "
    "'desc'.",
    needs={"items-retry-answers"},
)
async def retry_replaces(target: Target) -> None:
    """A retry removes the old answer, and nothing before it."""
    held = await retried(target)
    now = ids(rows(held.read.json, "items", "data"))
    kept = held.before[: held.before.index(held.message_id) + 1]
    old = held.before[len(kept) :]
    require_equal(now[: len(kept)], kept, "ids up to the message", held.read)
    still = [item_id for item_id in old if item_id in now]
    require(not still, held.read, "the old answer gone", f"still there: {still}")
    new = ids(held.turn.answers)
    require(now[len(kept) :] and new[-1] in now, held.read, f"the new answer {new[-1]}", now)


@check(
    "items-stop-keeps-partial",
    level=Level.MUST,
    source=_SERVER
    + ".handle_stream_cancelled; awaits in it are cancelled again by Starlette's scope",
    fix="Store the partial answer under `anyio.CancelScope(shield=True)` in "
    "handle_stream_cancelled.",
    needs={"streaming-answer-arrives", "threads-read-as-streamed"},
)
async def stop_keeps_partial(target: Target) -> None:
    """An answer that is stopped is kept as far as it was shown."""
    held = await _stopped(target)
    texts = [
        item_text(item)
        for item in rows(held.read.json, "items", "data")
        if item.get("type") == "assistant_message"
    ]
    expected = f"an assistant_message with {held.shown!r}, which was shown before the stop"
    require(any(held.shown.strip() in text for text in texts), held.read, expected, texts)


@check(
    "items-turn-after-stop",
    level=Level.MUST,
    source=_SERVER + ".handle_stream_cancelled",
    fix="Release what a turn holds (locks, sessions, runs) in a `finally`, also when it is "
    "cancelled.",
    needs={"streaming-answer-arrives"},
)
async def turn_after_stop(target: Target) -> None:
    """After a stop, the next message in the thread is answered."""
    held = await _stopped(target)
    turn = await target.user.say(held.thread_id, "Never mind. Say: four.")
    require(turn.ok and not turn.of_type("error"), turn, "an answer")
    require(turn.answers, turn, "thread.item.done with an answer")


@check(
    "items-feedback-taken",
    level=Level.SHOULD,
    source="chatkit/types.py ItemsFeedbackReq; chatkit/server.py ChatKitServer.add_feedback",
    fix="Override `add_feedback` and store the verdict; the SDK answers `{}`.",
    needs={"threads-second-message"},
)
async def feedback_taken(target: Target) -> None:
    """A verdict on an answer is accepted, and so is another one later."""
    held = await conversation(target)
    item_id = ids(held.created.answers)[0]
    for kind in ("positive", "negative"):
        answer = await target.user.call(
            "items.feedback", thread_id=held.thread_id, item_ids=[item_id], kind=kind
        )
        require(answer.ok, answer, "200")


@check(
    "items-tool-output-unasked",
    level=Level.SHOULD,
    source=_SERVER + ".ThreadsAddClientToolOutputReq raises ValueError without a pending call",
    fix="Look for a pending client tool call before `process`, and answer 409 when there is none.",
    needs={"threads-second-message"},
)
async def tool_output_unasked(target: Target) -> None:
    """The output of a tool that nobody called is refused: a 4xx or an `error` event."""
    thread = {"thread_id": library_ids(await library(target))[1]}
    before = await target.user.call("threads.get_by_id", **thread)
    answer = await target.user.stream(
        "threads.add_client_tool_output", thread_id=thread["thread_id"], result={"done": True}
    )
    told = answer.is_client_error or (answer.ok and answer.of_type("error"))
    require(told, answer, "409 with JSON, or an `error` event and a proper end")
    after = await target.user.call("threads.get_by_id", **thread)
    require_equal(
        ids(rows(after.json, "items", "data")),
        ids(rows(before.json, "items", "data")),
        "items",
        answer,
    )


@check(
    "items-hidden-not-shown",
    level=Level.MUST,
    source="chatkit/types.py HiddenContextItem: never sent to the client (openai-chatkit 1.6.5)",
    fix="Filter HiddenContextItem and SDKHiddenContextItem out of every answer, as the SDK does.",
    needs={"streaming-thread-created"},
    last=True,
)
async def hidden_not_shown(target: Target) -> None:
    """Hidden context never reaches the client."""
    await conversation(target)
    # The SDK hides a note about the stop in the thread.
    await stopped(target)
    for answer in target.exchanges:
        shown = [event.data for event in answer.events] or [answer.json]
        text = json.dumps(shown)
        for kind in _HIDDEN:
            if f'"type": "{kind}"' in text:
                fail(answer, "no hidden context", f"an item of type {kind}")


async def _stopped(target: Target) -> Stopped:
    held = await stopped(target)
    if held is None:
        skip("the answers are too short, or come in too few pieces, to be stopped")
    return held


def _messages(read: Exchange) -> list[dict[str, object]]:
    return [
        item
        for item in rows(read.json, "items", "data")
        if item.get("type") == "user_message" and dig(item, "content") is not None
    ]
