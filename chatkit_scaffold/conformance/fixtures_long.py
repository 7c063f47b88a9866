"""Long conversations, which show what the agent remembers and whether the store pages."""

import re
import secrets
from dataclasses import dataclass, replace

from chatkit_scaffold.conformance.expectations import require_no_server_error, skip
from chatkit_scaffold.conformance.fixtures import fixture, require_thread_id
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange

TURNS = 12
"""Turns, of two items each, after which a message of the second turn is neither among the
newest 20 items nor the first in its thread. The quickstart passes 20 items to the model, and
the SDK reads pages of 20."""

_RECALL = "Which secret word did I tell you at the very beginning? Answer with just that word."
_SEPARATOR = re.compile(r"(?<=\d)(?:\{,\}|[,.'\u2019_\s])(?=\d{3}(?!\d))")
"""What a model may write between the thousands of a number."""


@dataclass(frozen=True, slots=True)
class Recall:
    """The first turns of a thread: what the assistant knows of the previous messages.

    Attributes:
        thread_id: The thread.
        word: The word that the first message asked the assistant to remember.
        turns: The turns so far, in order.
        knows_word: Whether it repeated that word when it was asked to.
        sum: The sum of the two numbers that it was asked to add; 0 if it was not asked, because
            it knows the word.
        computes: Whether it added them, and so understands questions.
        knows_sum: Whether it then added to the sum, which it had to remember.
    """

    thread_id: str
    word: str
    turns: list[Exchange]
    knows_word: bool
    sum: int = 0
    computes: bool = False
    knows_sum: bool = False


@fixture
async def recall(target: Target) -> Recall:
    """Ask for a word in the second turn, and ask for a sum if the answer lacks the word.

    An agent that remembers gets two messages, an echo gets three. A sum that the next message
    continues is the second chance of an agent that keeps "secret" words to itself, or talks about
    numbers only: it takes four messages to say that an agent remembers nothing.
    """
    word = random_word()
    first = await target.user.create_thread(
        f"The secret word is {word}. Remember it, and answer with OK."
    )
    thread_id = require_thread_id(first)

    async def say(text: str) -> Exchange:
        return await target.user.say(thread_id, text)

    asked = await say(_RECALL)
    if has_word(asked, word):
        return Recall(thread_id, word, [first, asked], knows_word=True)
    one, other = (10_000 + secrets.randbelow(30_000) for _ in range(2))
    added = await say(f"What is {one} + {other}? Answer with just the number, in digits.")
    start = Recall(thread_id, word, [first, asked, added], knows_word=False, sum=one + other)
    if not _has_number(added, start.sum):
        return start
    more = await say("Add 1000 to that result. Answer with just the number, in digits.")
    # An agent that adds wrongly, or only shows the sum, may still quote the result.
    knows_sum = _has_number(more, start.sum) or _has_number(more, start.sum + 1000)
    return replace(start, turns=[*start.turns, more], computes=True, knows_sum=knows_sum)


@dataclass(frozen=True, slots=True)
class LongConversation:
    """A conversation of more turns than the newest 20 items hold.

    Attributes:
        thread_id: The thread.
        first_word: The word that the first message asked the assistant to remember.
        last_word: The word that the last message asked the assistant to repeat.
        turns: The turns that got an answer, in order.
        reminder: The turn that asked for the first word again; None for an agent that did not
            repeat it in the second turn.
        unanswered: The turn that got no answer, and ended the conversation; None if all did.
    """

    thread_id: str
    first_word: str
    last_word: str
    turns: list[Exchange]
    reminder: Exchange | None = None
    unanswered: Exchange | None = None

    @property
    def last(self) -> Exchange:
        """The last turn."""
        return self.turns[-1]


@fixture
async def long_conversation(target: Target) -> LongConversation:
    """Continue the conversation of `recall` with short messages.

    Twelve turns, and a thirteenth if there is a first word to ask for again. Only the turns of
    an agent that understands the questions have a meaning beyond their number.
    """
    start = await recall(target)
    talk = LongConversation(start.thread_id, start.word, random_word(), list(start.turns))
    questions = [f"Say {number}." for number in range(len(talk.turns) + 1, TURNS)]
    if start.knows_word:
        questions.append(_RECALL)
    for question in [*questions, f"Answer with just this word: {talk.last_word}"]:
        turn = await target.user.say(start.thread_id, question)
        require_no_server_error(turn)
        if not turn.answers:
            return replace(talk, unanswered=turn)
        talk.turns.append(turn)
    return replace(talk, reminder=talk.turns[-2] if start.knows_word else None)


def require_unlimited(talk: LongConversation) -> None:
    """Skip the check if the server refused a message, as one with a limit per thread does."""
    if talk.unanswered is not None and talk.unanswered.is_client_error:
        skip(f"the server accepts only {len(talk.turns)} messages in a thread")


def has_word(turn: Exchange, word: str) -> bool:
    """Return whether the answer has the word, in any case, and whatever is around or inside it."""
    return word in "".join(filter(str.isalnum, turn.text.casefold()))


def random_word() -> str:
    """Return a word that no model would say by chance."""
    return "zebra" + secrets.token_hex(3)


def _has_number(turn: Exchange, number: int) -> bool:
    text = _SEPARATOR.sub("", turn.text)
    return re.search(rf"(?<!\d){number}(?!\d)", text) is not None
