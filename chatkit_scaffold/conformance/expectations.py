"""How a check states what it expects, and ends when the answer is different."""

from typing import NoReturn

from chatkit_scaffold.conformance.check import CheckFailedError, SkipCheckError, UntestableError
from chatkit_scaffold.protocol.exchange import Exchange
from chatkit_scaffold.text import shorten

_VALUE_SHOWN = 400


def fail(exchange: Exchange | str, expected: str, got: object = None) -> NoReturn:
    """End the check: the server does not meet the requirement.

    Args:
        exchange: The exchange that shows it, or a sentence about several.
        expected: What a right server would have answered.
        got: What came; the exchange's own summary when not given.
    """
    sent = exchange if isinstance(exchange, str) else exchange.sent
    came = exchange.got if isinstance(exchange, Exchange) and got is None else _readable(got)
    raise CheckFailedError(sent, _readable(expected), came)


def require(condition: object, exchange: Exchange | str, expected: str, got: object = None) -> None:
    """Fail unless *condition* holds; see `fail`."""
    if not condition:
        fail(exchange, expected, got)


def require_equal(got: object, expected: object, what: str, exchange: Exchange | str) -> None:
    """Fail unless two values are the same; *what* names them."""
    if got != expected:
        fail(exchange, f"{what}: {_readable(expected)}", f"{what}: {_readable(got)}")


def skip(reason: str) -> NoReturn:
    """End the check: the requirement does not apply, and *reason* says why."""
    raise SkipCheckError(reason)


def untestable(reason: str) -> NoReturn:
    """End the check: what it builds on did not come about, and *reason* says what."""
    raise UntestableError(reason)


def _readable(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return shorten(text, _VALUE_SHOWN)
