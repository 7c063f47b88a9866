"""What is behind a failure, if it is not what the check looks for."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from http import HTTPStatus

from chatkit_scaffold.conformance.check import Check, CheckFailedError
from chatkit_scaffold.conformance.usual_causes import answer_begun, usual_causes
from chatkit_scaffold.protocol.client import STREAMING
from chatkit_scaffold.protocol.exchange import Exchange, Failure

_GATEWAY = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
_ENDLESS = (Failure.STALLED, Failure.TOO_LARGE)


class Kind(IntEnum):
    """Kinds of causes, in the order in which to fix them: the later follow from the earlier."""

    UNREACHABLE = 0
    SIMPLEST_FAILS = 1
    SERVER_ERROR = 2
    BROKEN_STREAM = 3
    MIXED_UP_THREADS = 4
    OTHER = 5


_FOUNDATIONS = {
    "transport-reachable": Kind.UNREACHABLE,
    "threads-distinct": Kind.MIXED_UP_THREADS,
}
"""The checks of which a failure explains others, although nothing else is behind it."""
_ENDLESS_FIX = (
    "The response began and did not end: return from `respond` when the answer is complete, close "
    "the stream after an error, and limit how long you wait for your model. If the model is only "
    "slow, pass a longer --timeout."
)
_SIMPLEST = "threads.list"
"""The operation that needs least: what makes it fail often makes the others fail too."""
_LIKE_CREATE = ("threads.add_user_message", "threads.retry_after_item")
_ENDS = "streaming-ends"
_BEFORE_STREAMS = ("transport", "requests")
"""The families that run before it."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The root cause of a failure.

    Attributes:
        kind: See `Kind`.
        cause: The cause in a few words; equal for all failures that have it. Empty if the
            failure is just what the check looks for.
        fix: What to do about it.
    """

    kind: Kind
    cause: str
    fix: str


def diagnose(
    check: Check, failure: CheckFailedError, earlier: Mapping[str, Diagnosis] | None = None
) -> Diagnosis:
    """Return the root cause of a failure.

    Args:
        check: The check that failed.
        failure: What it found.
        earlier: The diagnoses of the checks that failed before, by their id.
    """
    earlier = earlier or {}
    exchange = failure.exchange
    if exchange is not None and not failure.fix:
        if exchange.server_failed:
            known = _known_error(exchange, earlier)
            if known or not check.judges_errors:
                return known or _server_error(exchange)
        elif _is_endless(exchange) and _is_ordinary(check, earlier):
            return Diagnosis(
                Kind.BROKEN_STREAM, "the server does not end its streams", _ENDLESS_FIX
            )
    kind = _FOUNDATIONS.get(check.id, Kind.OTHER)
    return Diagnosis(kind, "", failure.fix or check.fix)


def server_error(exchange: Exchange) -> str:
    """Return the cause for an exchange in which the server failed."""
    if answer_begun(exchange):
        return "the server breaks off its answers"
    return f"the server failed on {exchange.operation or 'a request'}"


def _known_error(exchange: Exchange, earlier: Mapping[str, Diagnosis]) -> Diagnosis | None:
    """Return the earlier diagnosis of the same server error, if there is one.

    A check of errors learns nothing from an operation that fails on ordinary requests as well.
    And where no thread can be created, no message can be added for the same reason.
    """
    causes = [server_error(exchange)]
    if exchange.operation in _LIKE_CREATE:
        causes.append(server_error(Exchange("", operation="threads.create")))
    return next((found for found in earlier.values() if found.cause in causes), None)


def _server_error(exchange: Exchange) -> Diagnosis:
    kind = Kind.SERVER_ERROR if exchange.is_server_error else Kind.BROKEN_STREAM
    if exchange.operation == _SIMPLEST:
        kind = Kind.SIMPLEST_FAILS
    return Diagnosis(kind, server_error(exchange), _server_error_fix(exchange))


def _server_error_fix(exchange: Exchange) -> str:
    name = exchange.operation or "this request"
    if exchange.status in _GATEWAY:
        return (
            f"{exchange.status} for {name} usually comes from the proxy in front of a server that "
            "is down, overloaded or too slow: see the logs of both."
        )
    broke = "failed on" if exchange.is_server_error else "broke off its response to"
    causes = usual_causes(exchange)
    return f"The server {broke} {name}; its log has the traceback. {causes}".rstrip()


def _is_endless(exchange: Exchange) -> bool:
    """Return whether a stream began and did not end."""
    is_stream = exchange.is_success and exchange.operation in STREAMING
    return is_stream and exchange.failure in _ENDLESS


def _is_ordinary(check: Check, earlier: Collection[str]) -> bool:
    """Return whether a check stalls because every stream does.

    If other streams end, the check itself knows why this one does not, such as a stop that
    leaves a lock behind.
    """
    return _ENDS in (check.id, *earlier) or check.family in _BEFORE_STREAMS
