"""Checks of attachments on servers that take files in different ways."""

from contextlib import ExitStack

import pytest
from starlette.requests import Request
from starlette.responses import Response

from chatkit_scaffold.conformance.check import Outcome
from chatkit_scaffold.conformance.suite import run_checks
from tests.conformance.servers.attachments import ODD, serving_files
from tests.conformance.servers.correct import Fault, build, headers_for
from tests.conformance.servers.serving import Message, Receive, Send, serve

_CHECKS = ["items-attachments-kept", "items-attachments-deleted", "access-attachments-separate"]


def outcomes(fault: Fault) -> set[Outcome]:
    """Return how the checks of attachments end."""
    with serve(build(fault)) as url:
        report = run_checks(
            url,
            headers=headers_for("first"),
            other_headers=headers_for("second"),
            select=_CHECKS,
            timeout=5.0,
        )
    assert report.errors == []
    return {result.outcome for result in report.results if result.check.id in _CHECKS}


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("attachments", Outcome.PASSED),
        ("attachments in two phases", Outcome.PASSED),
        ("images only", Outcome.PASSED),
        ("any attachment deleted silently", Outcome.PASSED),
        ("attachments uploaded elsewhere", Outcome.SKIPPED),
        ("unchanged", Outcome.SKIPPED),
    ],
)
def test_ways_to_take_files(name: str, outcome: Outcome) -> None:
    """Files are tested wherever they can be uploaded, and skipped otherwise."""
    assert outcomes({**ODD, "unchanged": Fault()}[name]) == {outcome}


def test_nothing_is_sent_to_another_server() -> None:
    """A URL for uploads at another port gets neither the file nor credentials."""
    received: list[str] = []

    async def other(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            received.append(Request(scope).url.path)
            await Response(status_code=204)(scope, receive, send)

    with ExitStack() as stack:
        upload = stack.enter_context(serve(other, "/upload"))
        assert outcomes(Fault(patch=serving_files(upload=upload))) == {Outcome.SKIPPED}
    assert received == []
