"""Stops: the user closes the connection in the middle of an answer."""

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import require, skip
from chatkit_scaffold.conformance.fixtures_streams import StoppedAnswer, stopped_answer
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import item_text, rows

_SERVER = "chatkit/server.py ChatKitServer"


@check(
    "items-stop-keeps-partial",
    level=Level.MUST,
    source=_SERVER
    + ".handle_stream_cancelled; awaits in it are cancelled again by Starlette's scope",
    fix="Store the partial answer under `anyio.CancelScope(shield=True)` in "
    "handle_stream_cancelled.",
    needs={"streaming-answer-arrives", "threads-distinct"},
)
async def stop_keeps_partial(target: Target) -> None:
    """The part of a stopped answer that the user has seen is stored."""
    stopped = await _stopped_answer(target)
    texts = [
        item_text(item)
        for item in rows(stopped.read.json, "items", "data")
        if item.get("type") == "assistant_message"
    ]
    expected = f"an assistant_message with {stopped.shown!r}, which was sent before the stop"
    require(any(stopped.shown.strip() in text for text in texts), stopped.read, expected, texts)


@check(
    "items-turn-after-stop",
    level=Level.MUST,
    source=_SERVER + ".handle_stream_cancelled",
    fix="Release everything that a turn uses (locks, sessions, runs) in a `finally` block, which "
    "also runs when the turn is cancelled.",
    needs={"streaming-answer-arrives"},
)
async def turn_after_stop(target: Target) -> None:
    """After a stop, the next message in the thread gets an answer."""
    stopped = await _stopped_answer(target)
    turn = await target.user.say(stopped.thread_id, "Never mind. Say: four.")
    require(turn.ok and not turn.events_of_type("error"), turn, "an answer")
    require(turn.answers, turn, "thread.item.done with an answer")


async def _stopped_answer(target: Target) -> StoppedAnswer:
    stopped = await stopped_answer(target)
    if stopped is None:
        skip("the answers are too short, or have too few deltas, to be stopped")
    return stopped
