"""Items: their text, their ids, and how often they are stored."""

import re
from collections import Counter

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import (
    require,
    require_equal,
    require_no_server_error,
)
from chatkit_scaffold.conformance.fixtures import conversation, fixture, three_turns
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.client import user_input
from chatkit_scaffold.protocol.exchange import Exchange, dig, ids, item_text, rows

_STORE = "chatkit/store.py Store"
_SERVER = "chatkit/server.py ChatKitServer"
_TEXT = (
    "Exactly: “quoted” 'single' \"double\" <b>bold</b> &amp; 100% \\n C:\\temp {{x}} %s\n"
    "\ttabbed  two spaces; naïve (composed) nai\u0308ve (combining) "
    "漢字 العربية 👩‍👩‍👧‍👦 🇨🇭 '; DROP--"
)
_QUOTE = "“What was said before”"
_CONTROL = "bell \x07 and nothing \x00 in between"
_SHORT_ID = re.compile(r"(?:[A-Za-z]+[_-])?[0-9a-f]{1,8}")
"""A prefix and at most 32 random bits: a 50% chance of a collision at 77,000 items."""


@fixture
async def special_message(target: Target) -> tuple[Exchange, Exchange]:
    """A message with special characters and a quotation, and its thread read afterwards."""
    turn = await target.user.stream("threads.create", input=user_input(_TEXT, quoted_text=_QUOTE))
    read = await target.user.call("threads.get_by_id", thread_id=turn.thread_id or "")
    return turn, read


@check(
    "items-text-exact",
    level=Level.MUST,
    source=_STORE + ".add_thread_item; chatkit/types.py UserMessageTextContent",
    fix="Store text unchanged: use UTF-8 everywhere and bound SQL parameters, and do not escape, "
    "strip or shorten it.",
    needs={"threads-distinct"},
)
async def text_exact(target: Target) -> None:
    """Text is stored exactly as it was sent, whatever characters it contains."""
    turn, read = await special_message(target)
    for response, items in ((turn, turn.user_messages), (read, _messages(read))):
        require(items, response, "the user's message")
        require_equal(item_text(items[0]), _TEXT, "text", response)


@check(
    "items-quotation-kept",
    level=Level.SHOULD,
    source="chatkit/types.py UserMessageItem.quoted_text",
    fix="Store the whole item (`model_dump(mode='json')`), not only its text.",
    needs={"threads-distinct"},
)
async def quotation_kept(target: Target) -> None:
    """A message is stored with its quotation."""
    _, read = await special_message(target)
    require(_messages(read), read, "the user's message")
    require_equal(_messages(read)[0].get("quoted_text"), _QUOTE, "quoted_text", read)


@check(
    "items-control-characters",
    level=Level.MUST,
    source="PostgreSQL documentation, 8.3 Character Types: the character with code zero cannot "
    "be stored",
    fix="Reject control characters with a 4xx before you store anything, or store items as JSON "
    "text.",
    needs={"threads-distinct"},
    judges_errors=True,
)
async def control_characters(target: Target) -> None:
    """Control characters are stored or rejected with a 4xx; they are never dropped."""
    turn = await target.user.create_thread(_CONTROL)
    has_error_event = turn.ok and turn.events_of_type("error")
    if turn.is_client_error or (has_error_event and not turn.user_messages):
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
    fix="Generate an id for every item and use it in all events of the item; key stored items by "
    "(thread, id).",
    needs={"streaming-answer-arrives"},
)
async def ids_unique(target: Target) -> None:
    """No two items have the same id, even in different threads."""
    talk = await conversation(target)
    turns = [talk.first, talk.second, *await three_turns(target)]
    streamed = [item_id for turn in turns for item_id in set(ids(turn.items))]
    _require_unique(streamed, talk.second)
    _require_unique(
        ids(talk.items),
        talk.read_after_second,
        fix="Make add_thread_item an upsert: an item with a known id replaces the stored one.",
    )


@check(
    "items-ids-long",
    level=Level.SHOULD,
    source="chatkit/store.py default_generate_id: 8 hexadecimal digits",
    fix="Override generate_thread_id and generate_item_id with 128 random bits (`uuid4().hex`).",
    needs={"transport-event-types"},
)
async def ids_long(target: Target) -> None:
    """Random ids are long enough not to collide."""
    talk = await conversation(target)
    for response in (talk.first, talk.read_after_second):
        items = response.items or rows(response.json, "items", "data")
        known = {talk.thread_id, *ids(items)}
        # Sequential numbers do not collide, however short they are.
        short = [one for one in known if _SHORT_ID.fullmatch(one) and not one.isdecimal()]
        are_short = len(short) * 2 > len(known)
        expected = "ids with more than 32 random bits"
        require(not are_short, response, expected, f"such as {sorted(short)[:2]}")


@check(
    "items-message-once",
    level=Level.MUST,
    source=_SERVER + "._process_new_thread_item_respond adds the message itself",
    fix="Do not store the user's message in `respond`, because the SDK has stored it; make "
    "add_thread_item an upsert.",
    needs={"threads-distinct"},
)
async def message_once(target: Target) -> None:
    """The user's message is stored once."""
    talk = await conversation(target)
    turns = ((talk.first, talk.read_after_first), (talk.second, talk.read_after_second))
    for turn, read in turns:
        require_no_server_error(turn, read)
        text = item_text(turn.user_messages[0]) if turn.user_messages else ""
        count = sum(item_text(message) == text for message in _messages(read))
        require(count == 1, read, f"{text!r} once", f"{count} times")


def _require_unique(item_ids: list[str], response: Exchange, *, fix: str = "") -> None:
    """Fail if an id is repeated."""
    repeated = [item_id for item_id, count in Counter(item_ids).items() if count > 1]
    got = f"repeated: {repeated[:3]}"
    require(not repeated, response, "a unique id for every item", got, fix=fix)


def _messages(read: Exchange) -> list[dict[str, object]]:
    return [
        item
        for item in rows(read.json, "items", "data")
        if item.get("type") == "user_message" and dig(item, "content") is not None
    ]
