"""What is behind a failure, if it is not what the check looks for: the server raised an error."""

from dataclasses import dataclass

from chatkit_scaffold.conformance.check import Check, CheckFailedError
from chatkit_scaffold.protocol.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The root cause of a failure.

    Attributes:
        cause: The cause in a few words; equal for all failures that have it.
        fix: What to do about it.
    """

    cause: str
    fix: str


def diagnose(check: Check, failure: CheckFailedError) -> Diagnosis | None:
    """Return the root cause of a failure; None if it is what the check looks for."""
    exchange = failure.exchange
    if failure.fix or check.judges_errors or exchange is None or not exchange.server_failed:
        return None
    return Diagnosis(server_error(exchange), _fix(exchange.operation))


def server_error(exchange: Exchange) -> str:
    """Return the cause for an exchange in which the server failed."""
    return f"the server failed on {exchange.operation or 'a request'}"


def _fix(operation: str) -> str:
    return f"The server failed on {operation or 'this request'}; its log has the traceback."
