"""What the assistant remembers, checked on agents that can repeat a word."""

import secrets
from dataclasses import dataclass

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import require, skip, untestable
from chatkit_scaffold.conformance.fixtures import NO_THREAD_ID, fixture
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange

_TURNS = 12
"""Two items per turn, so more than the 20 items that the quickstart loads."""
_QUESTION = "Which secret word did I tell you at the very beginning? Answer with just that word."


@dataclass(frozen=True, slots=True)
class LongConversation:
    """A conversation of twelve turns.

    Attributes:
        first_word: The word that the first message asked the assistant to remember.
        reminder: The turn that asked for that word again.
        last_word: The word that the last message asked the assistant to repeat.
        last: The last turn.
    """

    first_word: str
    reminder: Exchange
    last_word: str
    last: Exchange


@fixture
async def long_conversation(target: Target) -> LongConversation | None:
    """Send twelve messages; None if the agent does not remember the previous one."""
    first_word, last_word = _word(), _word()
    first = await target.user.create_thread(
        f"The secret word is {first_word}. Remember it, and answer with OK."
    )
    thread_id = first.thread_id
    if thread_id is None:
        untestable(NO_THREAD_ID)
    second = await target.user.say(thread_id, _QUESTION)
    if first_word not in second.text:
        return None
    for number in range(3, _TURNS):
        await target.user.say(thread_id, f"Answer with just the number {number}.")
    reminder = await target.user.say(thread_id, _QUESTION)
    last = await target.user.say(thread_id, f"Answer with just this word: {last_word}")
    return LongConversation(first_word, reminder, last_word, last)


@check(
    "memory-newest-answered",
    level=Level.MUST,
    source="docs quickstart: load_thread_items(limit=20, order='asc') (openai-chatkit 1.6.5)",
    fix="Load the newest items (order 'desc') and reverse them before passing them to the model.",
    needs={"streaming-answer-arrives", "threads-second-message"},
)
async def newest_answered(target: Target) -> None:
    """After twelve turns the assistant still answers the newest message."""
    talk = await _long_conversation(target)
    require(talk.last_word in talk.last.text, talk.last, talk.last_word, talk.last.text)


@check(
    "memory-first-remembered",
    level=Level.SHOULD,
    source="docs quickstart: the model knows only what `respond` loads (openai-chatkit 1.6.5)",
    fix="Pass enough of the thread's history to the model, not only the newest message.",
    needs={"memory-newest-answered"},
)
async def first_remembered(target: Target) -> None:
    """After twelve turns the assistant still remembers a word from the first."""
    talk = await _long_conversation(target)
    remembers = talk.first_word in talk.reminder.text
    require(remembers, talk.reminder, talk.first_word, talk.reminder.text)


async def _long_conversation(target: Target) -> LongConversation:
    talk = await long_conversation(target)
    if talk is None:
        skip("the agent does not remember the previous message")
    return talk


def _word() -> str:
    """Return a word that no model would say by chance."""
    return "zebra" + secrets.token_hex(3)
