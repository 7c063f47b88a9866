"""Few combinations that stand for all."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from covertable import make

Answers = dict[str, str]
Pair = tuple[tuple[str, str], ...]

_UNASKED = ""
"""What a combination answers to a question that does not apply to it."""
_ATTEMPTS = 20
"""How often to begin elsewhere: the sets that are found differ by a few combinations."""


def covering(possible: Sequence[Answers]) -> list[Answers]:
    """Return few combinations in which any two choices meet that meet in a possible one."""
    axes = list({axis: None for answers in possible for axis in answers})
    rows = {tuple(answers.get(axis, _UNASKED) for axis in axes): answers for answers in possible}
    factors = {
        axis: list(dict.fromkeys(row[number] for row in rows)) for number, axis in enumerate(axes)
    }
    constraint = {
        "operator": "fn",
        "requires": axes,
        "evaluate": lambda row: tuple(row[axis] for axis in axes) in rows,
    }
    found = min(
        (make(factors, constraints=[constraint], salt=str(n)) for n in range(_ATTEMPTS)), key=len
    )
    chosen = {tuple(row[axis] for axis in axes) for row in found}
    return [answers for row, answers in rows.items() if row in chosen]


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
