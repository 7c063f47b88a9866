"""How a check states what it expects, and how it ends if the server does something else."""

from typing import NoReturn

from chatkit_scaffold.conformance.check import (
    CheckFailedError,
    Level,
    SkipCheckError,
    UntestableError,
)
from chatkit_scaffold.conformance.diagnosis import server_error
from chatkit_scaffold.protocol.exchange import Exchange
from chatkit_scaffold.text import shorten

_VALUE_SHOWN = 400


def fail(
    exchange: Exchange | str,
    expected: str,
    got: object = None,
    *,
    fix: str = "",
    level: Level | None = None,
) -> NoReturn:
    """End the check: the server does not meet the requirement.

    Args:
        exchange: The exchange that shows it, or a sentence about several.
        expected: What a correct server would have sent.
        got: What the server sent; by default, the summary of the exchange.
        fix: What to do in this case, if it is not the check's usual fix.
        level: How important the requirement is in this case, if it is not the check's level.
    """
    sent = exchange if isinstance(exchange, str) else exchange.sent
    if got is None and isinstance(exchange, Exchange):
        got = exchange.got
    raise CheckFailedError(
        sent,
        _readable(expected),
        _readable(got),
        fix=fix,
        level=level,
        exchange=None if isinstance(exchange, str) else exchange,
    )


def require(
    condition: object,
    exchange: Exchange | str,
    expected: str,
    got: object = None,
    *,
    fix: str = "",
) -> None:
    """Fail unless *condition* is true; see `fail`."""
    if not condition:
        fail(exchange, expected, got, fix=fix)


def require_no_server_error(*exchanges: Exchange) -> None:
    """End the check as untestable if one of the responses is the server's own error.

    For checks of something else than errors: what a server sends when it fails shows nothing
    about, say, its CORS headers. `requests-no-server-errors` fails in that case.
    """
    for exchange in exchanges:
        if exchange.server_failed:
            untestable(server_error(exchange))


def require_equal(got: object, expected: object, what: str, exchange: Exchange | str) -> None:
    """Fail unless two values are equal; *what* names them in the report."""
    if got != expected:
        fail(exchange, f"{what}: {_readable(expected)}", f"{what}: {_readable(got)}")


def skip(reason: str) -> NoReturn:
    """End the check: the requirement does not apply, for this *reason*."""
    raise SkipCheckError(reason)


def untestable(reason: str) -> NoReturn:
    """End the check: a prerequisite is missing, as *reason* explains."""
    raise UntestableError(reason)


def _readable(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return shorten(text, _VALUE_SHOWN)
