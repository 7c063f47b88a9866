"""Puts values into sentences."""

from collections.abc import Sequence


def listed(values: Sequence[str], word: str) -> str:
    """Return the values as in `a, b or c`."""
    *first, last = values
    return f"{', '.join(first)} {word} {last}" if first else last
