"""Long answers: the user reads the beginning while the rest is written."""

from dataclasses import replace

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import require, skip
from chatkit_scaffold.conformance.fixtures_streams import parallel_turns
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange

_LONG = 200
"""Characters; a shorter answer may well be one piece."""
_PATIENCE = 2.0
"""Seconds after which users wonder whether anything happens; a faster answer may be one piece."""
_WHOLE = 0.9
"""A piece with this part of the text is as good as the whole."""


@check(
    "streaming-in-pieces",
    level=Level.SHOULD,
    source="chatkit/agents.py stream_agent_response: a text delta for every delta of the model",
    fix="Run the model with streaming (`Runner.run_streamed`) and send every delta of it as a text "
    "delta, not the whole answer at the end.",
    needs={"streaming-answer-arrives"},
)
async def sent_in_pieces(target: Target) -> None:
    """A long answer is sent in pieces, as the model writes it.

    An answer without any delta is judged like one with a single delta: the user waits just as
    long, and `thread.item.done` brings all the text at once.
    """
    turns = [turn for turn in (await parallel_turns(target)).turns if len(turn.text) >= _LONG]
    if not turns:
        skip("the answers are short, or have no text")
    turn = max(turns, key=lambda turn: turn.seconds)
    largest, arrived = max(_pieces(turn))
    in_pieces = largest < _WHOLE * len(turn.text)
    if not in_pieces and arrived < _PATIENCE:
        skip("the answers are so fast that nobody waits for them")
    got = f"{largest} of {len(turn.text)} characters at once, after {arrived:.1f} s"
    require(in_pieces, turn, "a text delta every few words", got)


def _pieces(turn: Exchange) -> list[tuple[int, float]]:
    """Return the lengths of the pieces in which text appears, and when each of them arrived."""
    pieces = []
    for event in turn.events:
        alone = replace(turn, events=[event])
        text = "".join(alone.deltas) if turn.deltas else alone.text
        pieces.append((len(text), event.elapsed))
    return pieces
