"""Streams that run side by side: they hold nobody up and do not mix."""

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import fail, require, skip
from chatkit_scaffold.conformance.families.streaming import disorder
from chatkit_scaffold.conformance.fixtures import ask_in_parallel, parallel
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, text_at

_SERVER = "chatkit/server.py ChatKitServer._process_streaming_impl (openai-chatkit 1.6.5)"
_TELLING = 0.3
"""Seconds below which a stream is too short to tell whether it held others up."""
_NOTICED = 1.0
"""Seconds of waiting that anybody notices."""
_SLOWER = 10
"""How many times slower than without a stream an answer may be."""


@check(
    "streaming-others-answered",
    level=Level.SHOULD,
    source="chatkit-js lists threads while an answer is being streamed",
    fix="Do not block the event loop: await the model, use async drivers, run slow calls in "
    "threads.",
    needs={"streaming-answer-arrives"},
)
async def others_answered(target: Target) -> None:
    """Other requests are answered while a stream runs."""
    held = await parallel(target)
    longest = max(turn.seconds for turn in held.streams)
    if longest < _TELLING or not any(turn.deltas for turn in held.streams):
        skip("the answers came too quickly to tell")
    idle = (await target.user.call("threads.list", limit=1, order="desc")).seconds
    bearable = max(_NOTICED, _SLOWER * idle)
    if held.between.seconds > bearable:
        # Once may be chance: a busy machine, a connection that was slow to open.
        held = await ask_in_parallel(target)
    require(
        held.between.ok and held.between.seconds <= bearable,
        held.between,
        f"an answer as quick as without a stream ({idle:.2f} s)",
        f"{held.between.got}, after {held.between.seconds:.2f} s",
    )


@check(
    "streaming-not-mixed",
    level=Level.MUST,
    source=_SERVER,
    fix="Keep nothing about an answer in globals or on the server object: requests run side by "
    "side.",
    needs={"streaming-items-complete"},
)
async def not_mixed(target: Target) -> None:
    """Two streams at once each carry their own thread and nothing of the other's."""
    held = await parallel(target)
    first, second = held.streams
    expected = "two threads, each stream with items of its own thread only"
    require(first.thread_id and first.thread_id != second.thread_id, first, expected)
    for turn in held.streams:
        strange = {item.get("thread_id") for item in turn.items} - {turn.thread_id}
        require(not strange, turn, expected, f"items of {sorted(map(str, strange))} as well")
        if wrong := disorder(turn):
            fail(turn, expected, wrong)
    shared_ids = set(_item_ids(first)) & set(_item_ids(second))
    require(not shared_ids, first, expected, f"the same items in both: {sorted(shared_ids)}")


def _item_ids(turn: Exchange) -> list[str]:
    return [item_id for item in turn.items if (item_id := text_at(item, "id"))]
