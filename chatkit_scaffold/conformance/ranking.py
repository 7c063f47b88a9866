"""Ranks texts by the words that they share with a question: BM25, by SQLite's full-text search."""

import math
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from chatkit_scaffold.errors import ScaffoldError

_TABLE = """
    CREATE VIRTUAL TABLE texts
    USING fts5(key UNINDEXED, symptom, also, cause, title, tokenize = 'porter unicode61')
"""
_WEIGHTS = "bm25(0, 4, 4, 1, 1)"
"""What a word counts in each column."""
_WORD = re.compile(r"[^\W_]{2,}")
_MOST_WORDS = 200
"""Words of a question that count: enough for a pasted traceback."""
_STOP_WORDS = frozenset(
    # Words that say nothing about a fault; "no", "not", "never" and "nothing" do.
    """
    am an and are as at be been but by can chatkit could did do does doesn don for from get gets
    got had has have he her his how if im in into is isn it its ive just ll me my of on or our
    please re she so some than that the their them then there these they this those to too us ve
    was wasn we were what when where which while who why will with won would you your
    """.split()  # noqa: SIM905 - as a list, it would take a line for every word
)


@dataclass(frozen=True, slots=True)
class Text:
    """A text to find by its words.

    Attributes:
        key: Identifies the text.
        symptom: What its readers see; its words weigh most, as do those of *also*.
        also: Other words for the symptom.
        cause: What is wrong.
        title: What is right.
    """

    key: str
    symptom: str
    also: str
    cause: str
    title: str


@dataclass(frozen=True, slots=True)
class Match:
    """A text that has words of the question.

    Attributes:
        key: The text's key.
        score: How well the text fits: BM25, times the part of the question that it answers.
    """

    key: str
    score: float


def rank(texts: Sequence[Text], question: str) -> list[Match]:
    """Return the texts that share words with *question*, the best first.

    Case and endings ("stops", "stopped") do not matter, nor does the order of the words.

    Raises:
        ScaffoldError: This Python's SQLite has no full-text search.
    """
    hits = _hits(texts, _words(question))
    # A word is worth more the fewer texts have it, as in BM25, and most if none has it.
    worth = [math.log((len(texts) + 1) / (len(hit) + 0.5)) for hit in hits]
    matches = [Match(text.key, _score(text.key, hits, worth)) for text in texts]
    return sorted((match for match in matches if match.score > 0), key=lambda match: -match.score)


def _score(key: str, hits: Sequence[dict[str, float]], worth: Sequence[float]) -> float:
    answered = sum(part for part, hit in zip(worth, hits, strict=True) if key in hit)
    return sum(hit.get(key, 0.0) for hit in hits) * answered / (sum(worth) or 1)


def _words(question: str) -> list[str]:
    """Return the different words of a question that say something."""
    words = dict.fromkeys(_WORD.findall(question.lower()))
    return [word for word in words if word not in _STOP_WORDS][:_MOST_WORDS]


def _hits(texts: Sequence[Text], words: Sequence[str]) -> list[dict[str, float]]:
    """Return, for each word, the scores of the texts that have it. In BM25, they add up."""
    with closing(sqlite3.connect(":memory:")) as connection:
        _fill(connection, texts)
        # In quotes, a word such as AND is not an operator. FTS5 gives the best the lowest rank.
        query = "SELECT key, -rank FROM texts WHERE texts MATCH ?"
        return [dict(connection.execute(query, (f'"{word}"',))) for word in words]


def _fill(connection: sqlite3.Connection, texts: Sequence[Text]) -> None:
    try:
        connection.execute(_TABLE)
    except sqlite3.OperationalError as error:
        raise ScaffoldError(
            f"This Python's SQLite cannot search texts: {error}",
            hint="Pass the id of a check: see chatkit-scaffold check --list.",
        ) from error
    connection.execute("INSERT INTO texts (texts, rank) VALUES ('rank', ?)", (_WEIGHTS,))
    rows = [(text.key, text.symptom, text.also, text.cause, text.title) for text in texts]
    connection.executemany("INSERT INTO texts VALUES (?, ?, ?, ?, ?)", rows)
