"""Every check fails on a server with exactly the fault that it looks for."""

import pytest

from chatkit_scaffold.conformance.check import Outcome
from chatkit_scaffold.conformance.families import REGISTRY
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.conformance.suite import run_checks
from tests.conformance.servers.catalogue import FAULTS, MORE_FAULTS
from tests.conformance.servers.correct import Fault, build, headers_for
from tests.conformance.servers.serving import serve


def run(fault: Fault, *select: str) -> Report:
    """Check a server with a fault."""
    with serve(build(fault)) as url:
        return run_checks(
            url,
            headers=headers_for("first"),
            other_headers=headers_for("second"),
            timeout=fault.timeout,
            select=select,
        )


def test_every_check_has_a_broken_server() -> None:
    """There is a fault for every check, and none for an unknown check."""
    assert FAULTS.keys() == REGISTRY.keys()


@pytest.mark.parametrize("check_id", FAULTS)
def test_fails_only_on_its_fault(check_id: str) -> None:
    """The check fails, and all checks that it needs pass."""
    report = run(FAULTS[check_id], check_id)
    assert report.errors == []
    failed = {result.check.id for result in report.failures}
    others = [result for result in report.results if result.check.id != check_id]
    assert failed == {check_id}, [(one.check.id, one.got) for one in report.failures]
    assert {result.outcome for result in others} <= {Outcome.PASSED}


@pytest.mark.parametrize(("check_id", "fault"), MORE_FAULTS.values(), ids=list(MORE_FAULTS))
def test_sees_other_faults(check_id: str, fault: Fault) -> None:
    """The check also fails on this server."""
    report = run(fault, check_id)
    assert report.errors == []
    assert check_id in {result.check.id for result in report.failures}
