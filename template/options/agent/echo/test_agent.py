"""The echo agent repeats messages."""

import pytest

from app.agent import MAX_WORDS, split_words
from tests.backend import Backend


@pytest.mark.parametrize("text", ["one", " two  words ", "three\nshort\tlines\n", "", "👩‍🚀 ok"])
def test_pieces_are_the_text(text: str) -> None:
    """Splitting loses nothing but surrounding whitespace."""
    assert "".join(split_words(text)).strip() == text.strip()


def test_long_texts_are_cut() -> None:
    """A huge message does not stream for hours."""
    assert len(split_words("word " * (MAX_WORDS + 100))) == MAX_WORDS + 1


def test_message_is_repeated_word_by_word(backend: Backend) -> None:
    """The answer repeats the message, in pieces."""
    answer = backend.client().create_thread("good morning")
    assert answer.text == "You said: good morning"
    assert answer.deltas == ["You ", "said: ", "good ", "morning"]


def test_title_is_the_first_words(backend: Backend) -> None:
    """A thread is named by its first message."""
    client = backend.client()
    thread_id = client.create_thread("What is a monad? " * 20).thread_id
    title = client.call("threads.get_by_id", thread_id=thread_id)["title"]
    assert title.startswith("What is a monad? What is")
    assert title.endswith("…")
