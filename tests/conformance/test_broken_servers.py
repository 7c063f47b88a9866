"""Every check finds what it is there for, on a server broken in just that way."""

import pytest

from chatkit_scaffold.conformance.check import Outcome
from chatkit_scaffold.conformance.families import REGISTRY
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.conformance.suite import run_checks
from tests.conformance.servers import http_faults, inner_faults
from tests.conformance.servers.correct import Fault, build, headers_for
from tests.conformance.servers.serving import serve

FAULTS = {**http_faults.FAULTS, **inner_faults.FAULTS}


def run(fault: Fault, *select: str) -> Report:
    """Check a server with one mistake."""
    with serve(build(fault)) as url:
        return run_checks(
            url,
            headers=headers_for("first"),
            other_headers=headers_for("second"),
            timeout=fault.timeout,
            select=select,
        )


def test_no_check_lacks_a_broken_server() -> None:
    """There is a broken server for every check, and none for a check that does not exist."""
    assert FAULTS.keys() == REGISTRY.keys()


@pytest.mark.parametrize("check_id", FAULTS)
def test_fails_on_the_server_broken_in_that_way(check_id: str) -> None:
    """The check fails, and nothing that it needs does."""
    report = run(FAULTS[check_id], check_id)
    assert report.errors == []
    failed = {result.check.id for result in report.failures}
    others = [result for result in report.results if result.check.id != check_id]
    assert failed == {check_id}, [(one.check.id, one.got) for one in report.failures]
    assert {result.outcome for result in others} <= {Outcome.PASSED}
