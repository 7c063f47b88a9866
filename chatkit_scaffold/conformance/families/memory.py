"""What the assistant remembers, checked on agents that understand a question."""

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import (
    fail,
    require,
    require_no_server_error,
    skip,
    untestable,
)
from chatkit_scaffold.conformance.fixtures_long import (
    LongConversation,
    has_word,
    long_conversation,
    recall,
    require_unlimited,
)
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target

_QUICKSTART = "docs quickstart: load_thread_items(limit=20, order='asc')"
_UNANSWERED = "Find the reason in the server's log: earlier messages in this thread got an answer."


@check(
    "memory-previous-remembered",
    level=Level.MUST,
    source="docs quickstart: the model knows only what `respond` loads",
    fix="Load the thread's items in `respond` (load_thread_items) and pass them to the model, not "
    "only `input_user_message`.",
    needs={"streaming-answer-arrives", "threads-second-message"},
)
async def previous_remembered(target: Target) -> None:
    """The assistant remembers the previous message.

    Fails only for an agent that adds two numbers, and so understands what it is asked, but
    knows neither the word of the message before nor its own sum. Every other agent that does not
    know the word is skipped, such as an echo or one that talks about cooking only.
    """
    start = await recall(target)
    if start.knows_word or start.knows_sum:
        return
    last = start.turns[-1]
    require_no_server_error(*start.turns)
    if not start.computes:
        skip("the agent repeats no word that it was told, and adds no numbers")
    if not last.text:
        untestable("the agent did not answer four messages")
    fail(last, f"{start.sum + 1000}, since the previous answer was {start.sum}", last.text)


@check(
    "memory-newest-answered",
    level=Level.MUST,
    source=_QUICKSTART,
    fix="Load the newest items (order 'desc') and reverse them before passing them to the model.",
    needs={"memory-previous-remembered"},
)
async def newest_answered(target: Target) -> None:
    """After twelve turns the assistant still answers the newest message."""
    talk = await _word_conversation(target)
    if talk.unanswered is not None:
        fail(talk.unanswered, "an answer", fix=_UNANSWERED)
    knows = has_word(talk.last, talk.last_word)
    require(knows, talk.last, talk.last_word, talk.last.text)


@check(
    "memory-first-remembered",
    level=Level.SHOULD,
    source=_QUICKSTART,
    fix="Pass more of the thread's history to the model: here at least the newest 23 items, or a "
    "summary of the older ones.",
    needs={"memory-newest-answered"},
)
async def first_remembered(target: Target) -> None:
    """In the twelfth turn the assistant still remembers a word from the first, 22 items back.

    The quickstart passes 20 items to the model, so twelve turns of two items each are the
    shortest conversation that shows whether the agent gets more than that.
    """
    talk = await _word_conversation(target)
    reminder = talk.reminder or talk.last
    expected = f"{talk.first_word}, from the first message, 22 items earlier"
    require(has_word(reminder, talk.first_word), reminder, expected, reminder.text)


async def _word_conversation(target: Target) -> LongConversation:
    """Return the long conversation of an agent that repeats words."""
    start = await recall(target)
    if not start.knows_word:
        skip("the agent remembers a sum, but repeats no word that it was told")
    talk = await long_conversation(target)
    require_unlimited(talk)
    return talk
