"""Turns values into parts of sentences."""

from collections.abc import Sequence

_SHOWN = 120
_LISTED = 8


def listed(values: Sequence[str], word: str) -> str:
    """Return the values as in `a, b or c`."""
    *first, last = values
    return f"{', '.join(first)} {word} {last}" if first else last


def some(values: Sequence[str], limit: int = _LISTED) -> str:
    """Return the values as in `a, b and 3 more`, with at most *limit* of them."""
    rest = len(values) - limit
    return listed([*values[:limit], f"{rest} more"] if rest > 0 else values, "and")


def shorten(text: str, limit: int = _SHOWN) -> str:
    """Return *text* in at most *limit* characters, fit for one line on any terminal.

    Control characters and lone surrogates, which a server can send, come out escaped.
    """
    return escaped(text if len(text) <= limit else text[: limit - 1] + "…")


def escaped(text: str) -> str:
    """Return *text* with control characters and lone surrogates escaped."""
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def shown(value: object) -> str:
    """Return any value of an answer on one line of limited length."""
    try:
        return shorten(repr(value))
    except ValueError:  # Python refuses to write numbers of more than 4,300 digits.
        return "A number with thousands of digits"


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
