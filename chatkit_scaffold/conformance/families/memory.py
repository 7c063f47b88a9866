"""What the assistant still knows, asked of those that can be asked."""

import secrets
from dataclasses import dataclass

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import require, skip, untestable
from chatkit_scaffold.conformance.fixtures import fixture
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange

_TURNS = 12
"""More than the 20 items which the quickstart loads: two items a turn."""
_QUESTION = "Which secret word did I tell you at the very beginning? Answer with just that word."


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation of twelve turns.

    Attributes:
        word: What was to be remembered.
        remembered: The turn in which it was asked for again.
        newest: What the very last message asked the assistant to say.
        last: The last turn.
    """

    word: str
    remembered: Exchange
    newest: str
    last: Exchange


@fixture
async def talk(target: Target) -> Talk | None:
    """Talk for twelve turns; None when the agent does not remember the turn before."""
    word, newest = _word(), _word()
    opening = await target.user.create_thread(
        f"The secret word is {word}. Remember it, and answer with OK."
    )
    thread_id = opening.thread_id
    if thread_id is None:
        untestable("threads.create did not tell the id of a thread")
    early = await target.user.say(thread_id, _QUESTION)
    if word not in early.text:
        return None
    for number in range(3, _TURNS):
        await target.user.say(thread_id, f"Answer with just the number {number}.")
    remembered = await target.user.say(thread_id, _QUESTION)
    last = await target.user.say(thread_id, f"Answer with just this word: {newest}")
    return Talk(word, remembered, newest, last)


@check(
    "memory-newest-answered",
    level=Level.MUST,
    source="docs quickstart: load_thread_items(limit=20, order='asc') (openai-chatkit 1.6.5)",
    fix="Load the newest items (order 'desc') and reverse them before they go to the model.",
    needs={"streaming-answer-arrives", "threads-second-message"},
)
async def newest_answered(target: Target) -> None:
    """After twelve turns the assistant still answers the newest message."""
    held = await _talk(target)
    require(held.newest in held.last.text, held.last, held.newest, held.last.text)


@check(
    "memory-first-remembered",
    level=Level.SHOULD,
    source="docs quickstart: what `respond` loads is all the model knows (openai-chatkit 1.6.5)",
    fix="Give the model the thread's history, not only the new message, and enough of it.",
    needs={"memory-newest-answered"},
)
async def first_remembered(target: Target) -> None:
    """After twelve turns the assistant still knows a word from the first."""
    held = await _talk(target)
    require(held.word in held.remembered.text, held.remembered, held.word, held.remembered.text)


async def _talk(target: Target) -> Talk:
    held = await talk(target)
    if held is None:
        skip("the agent does not remember the message before, so it cannot be asked")
    return held


def _word() -> str:
    """Return a word that no model would say by chance."""
    return "zebra" + secrets.token_hex(3)
