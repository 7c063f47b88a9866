"""Parallel streams: they block no other request and do not mix."""

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import fail, require, skip
from chatkit_scaffold.conformance.families.streaming import out_of_order
from chatkit_scaffold.conformance.fixtures_streams import parallel_turns, stream_in_parallel
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, text_at

_SERVER = "chatkit/server.py ChatKitServer._process_streaming_impl (openai-chatkit 1.6.5)"
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
    pair = await parallel_turns(target)
    first, second = pair.turns
    expected = "two threads, and in each stream only the items of its own thread"
    require(first.thread_id and first.thread_id != second.thread_id, first, expected)
    for turn in pair.turns:
        foreign = {item.get("thread_id") for item in turn.items} - {turn.thread_id}
        require(not foreign, turn, expected, f"items of {sorted(map(str, foreign))} as well")
        if wrong := out_of_order(turn):
            fail(turn, expected, wrong)
    shared_ids = set(_item_ids(first)) & set(_item_ids(second))
    require(not shared_ids, first, expected, f"the same items in both: {sorted(shared_ids)}")


def _item_ids(turn: Exchange) -> list[str]:
    return [item_id for item in turn.items if (item_id := text_at(item, "id"))]
