"""Few combinations that stand for all."""

import random
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

Answers = dict[str, str]
Pair = tuple[tuple[str, str], ...]

_ATTEMPTS = 100
"""How often to begin elsewhere: the sets that are found differ by a few combinations."""


def covering(possible: Sequence[Answers]) -> list[Answers]:
    """Return few combinations in which any two choices meet that meet in a possible one.

    Libraries for this expect axes, and miss pairs or find sets half as large again where only
    some combinations of them are possible.
    """
    chosen = min((_greedy(possible, random.Random(n)) for n in range(_ATTEMPTS)), key=len)  # noqa: S311
    return [answers for answers in possible if answers in chosen]


def _greedy(possible: Sequence[Answers], order: random.Random) -> list[Answers]:
    """Take the combination with the most pairs that are missing, until none is missing."""
    rows = [(pairs(answers), answers) for answers in order.sample(possible, len(possible))]
    missing: set[Pair] = set().union(*(found for found, _ in rows))
    chosen = []
    while missing:
        best, answers = max(rows, key=lambda row: len(missing & row[0]))
        missing -= best
        chosen.append(answers)
    return chosen


def every_choice(possible: Sequence[Answers]) -> list[Answers]:
    """Return few combinations in which each choice occurs."""
    missing = set().union(*(answers.items() for answers in possible))
    chosen = []
    while missing:
        best = max(possible, key=lambda answers: len(missing & answers.items()))
        missing -= best.items()
        chosen.append(best)
    return chosen


def pairs(answers: Mapping[str, str]) -> set[Pair]:
    """Return every two choices of a combination."""
    return set(combinations(sorted(answers.items()), 2))


def all_pairs(chosen: Iterable[Mapping[str, str]]) -> set[Pair]:
    """Return every two choices that meet in one of the combinations."""
    return set().union(*map(pairs, chosen))
