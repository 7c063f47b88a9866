"""Parallel streams: they block no other request and do not mix."""

import json
from collections import Counter

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import (
    fail,
    require,
    require_no_server_error,
    skip,
    untestable,
)
from chatkit_scaffold.conformance.families.streaming import out_of_order, wrong_sum
from chatkit_scaffold.conformance.fixtures import conversation, three_turns
from chatkit_scaffold.conformance.fixtures_streams import (
    ParallelTurns,
    parallel_turns,
    stream_in_parallel,
)
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.result import needs
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, ids

_SERVER = "chatkit/server.py ChatKitServer._process_streaming_impl"
_MIN_SECONDS = 0.3
"""A faster stream does not show whether it blocked other requests."""
_NOTICEABLE = 1.0
"""Seconds of waiting that every user notices."""
_MAX_SLOWDOWN = 10
"""How many times slower a response may be than without a stream."""


@check(
    "streaming-others-answered",
    level=Level.SHOULD,
    source="chatkit-js lists threads while an answer is being streamed",
    fix="Do not block the event loop: await the model, use async drivers, run slow calls in "
    "threads.",
    needs={"streaming-answer-arrives"},
)
async def others_answered(target: Target) -> None:
    """The server responds to other requests while it streams an answer."""
    pair = await parallel_turns(target)
    longest = max(turn.seconds for turn in pair.turns)
    if longest < _MIN_SECONDS or not any(turn.deltas for turn in pair.turns):
        skip("the answers were too fast to measure")
    idle = (await target.user.call("threads.list", limit=1, order="desc")).seconds
    acceptable = max(_NOTICEABLE, _MAX_SLOWDOWN * idle)
    if pair.slowest_list.seconds > acceptable:
        # Measure again: a busy machine or a slow connection may delay one request.
        pair = await stream_in_parallel(target)
    slowest = pair.slowest_list
    require(
        slowest.ok and slowest.seconds <= acceptable,
        slowest,
        f"a response as fast as without a stream ({idle:.2f} s)",
        f"{slowest.got}, after {slowest.seconds:.2f} s",
    )


@check(
    "streaming-not-mixed",
    level=Level.MUST,
    source=_SERVER,
    fix="Keep the state of an answer out of globals and the server object: requests run "
    "concurrently.",
    needs={"transport-event-types"},
)
async def not_mixed(target: Target) -> None:
    """Each of two parallel streams has its own thread and only that thread's items."""
    pair = await _answered_pair(target)
    first, second = pair.turns
    alone = await _turns_alone(target)
    expected = "two threads, and in each stream only the items of its own thread"
    require(first.thread_id and first.thread_id != second.thread_id, first, expected)
    for turn in pair.turns:
        foreign = {str(item.get("thread_id")) for item in turn.items} - {turn.thread_id}
        require(not foreign, turn, expected, f"items of {sorted(foreign)} as well")
        wrong = out_of_order(turn)
        if wrong and not any(map(out_of_order, alone)):
            fail(turn, expected, wrong)
    # An id that a turn on its own has as well shows nothing: `items-ids-unique` judges it.
    ordinary = {item_id for turn in alone for item_id in ids(turn.items)}
    shared_ids = set(ids(first.items)) & set(ids(second.items)) - ordinary
    require(not shared_ids, first, expected, f"the same items in both: {sorted(shared_ids)}")


@check(
    "streaming-text-separate",
    level=Level.MUST,
    source=_SERVER,
    fix="Collect the text of an answer in local variables of `respond`, with a queue and a model "
    "run of its own, never on the server, the agent or a module: requests run concurrently.",
    needs={"transport-event-types"},
)
async def text_separate(target: Target) -> None:
    """No text of one answer gets into another that is streamed at the same time.

    Each question has a random word. An answer need not repeat its own, but the other's must not
    be in it, neither streamed nor stored.
    """
    pair = await _answered_pair(target)
    judges_sums = not any(map(wrong_sum, await _turns_alone(target)))
    for user, turn, foreign in zip(pair.users, pair.turns, pair.markers[::-1], strict=True):
        _require_no_foreign_text(turn, foreign, [turn.text, *_streamed_texts(turn)])
        if judges_sums and turn.ok and turn.answers and (wrong := wrong_sum(turn)):
            fail(turn, f"{wrong[0]}, as when nothing else is streamed", wrong[1])
        if turn.thread_id is None:
            continue
        read = await user.call("threads.get_by_id", thread_id=turn.thread_id)
        require_no_server_error(read)
        _require_no_foreign_text(read, foreign, [json.dumps(read.json, ensure_ascii=False)])


async def _answered_pair(target: Target) -> ParallelTurns:
    pair = await parallel_turns(target)
    require_no_server_error(*(turn for turn in pair.turns if not turn.is_refusal))
    for turn in pair.turns:
        if not turn.answers:
            # Some servers write one answer at a time and refuse any other message meanwhile.
            skip(f"no answer while another one was streamed: {turn.got}")
    shared = {turn.thread_id for turn in pair.turns}
    if len(shared) == 1 and shared <= _repeated_threads(await _turns_alone(target)):
        untestable(needs("threads-distinct"))
    return pair


def _repeated_threads(alone: list[Exchange]) -> set[str | None]:
    """Return the ids that several threads have although nothing else was streamed."""
    first, _, *others = [turn.thread_id for turn in alone]  # the second turn is in the first thread
    counted = Counter([first, *others])
    return {thread_id for thread_id, count in counted.items() if count > 1}


async def _turns_alone(target: Target) -> list[Exchange]:
    """Turns of several threads during which nothing else is streamed."""
    talk = await conversation(target)
    return [talk.first, talk.second, *await three_turns(target)]


def _streamed_texts(turn: Exchange) -> list[str]:
    """Return the deltas, joined both as they arrived and by the item that they belong to."""
    by_item: dict[str, str] = {}
    for item_id, _, piece in turn.text_pieces:
        by_item[item_id] = by_item.get(item_id, "") + piece
    return ["".join(turn.deltas), *by_item.values()]


def _require_no_foreign_text(exchange: Exchange, foreign: str, texts: list[str]) -> None:
    for text in texts:
        # A model may write the word in upper case.
        position = text.casefold().find(foreign)
        expected = f"only the text of its own answer, without {foreign!r} from the other question"
        require(position < 0, exchange, expected, text[max(position - 60, 0) :][:160])
