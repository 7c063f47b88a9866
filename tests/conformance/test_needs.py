"""A check needs another one only if a failure of that one makes it meaningless."""

import functools

import pytest

from chatkit_scaffold.conformance.check import Outcome
from chatkit_scaffold.conformance.families import REGISTRY
from chatkit_scaffold.conformance.suite import run_checks
from tests.conformance.servers.catalogue import FAULTS, MORE_FAULTS
from tests.conformance.servers.correct import Fault, Parts, build, headers_for
from tests.conformance.servers.serving import App, serve

NEEDS = [(check.id, need) for check in REGISTRY.values() for need in sorted(check.needs)]


def faults_of(check_id: str) -> list[Fault]:
    """Return the servers on which a check fails."""
    return [FAULTS[check_id], *(fault for name, fault in MORE_FAULTS.values() if name == check_id)]


def outcome_alone(check_id: str, fault: Fault) -> Outcome:
    """Return the outcome of a check that runs without those it needs."""
    with serve(build(fault)) as url:
        report = run_checks(
            url,
            headers=headers_for("first"),
            other_headers=headers_for("second"),
            timeout=fault.timeout,
            select=[check_id],
            ignore=REGISTRY[check_id].needs,
        )
    assert report.errors == []
    assert [result.check.id for result in report.results] == [check_id]
    return report.results[0].outcome


def together(need: Fault, own: Fault) -> Fault | None:
    """Return a server with both faults; None if the two cannot be combined."""
    wraps = [fault.middleware for fault in (own, need) if fault.middleware]
    patches = [fault.patch for fault in (need, own) if fault.patch]
    app = need.app or own.app
    if app and (patches or (need.app and own.app)):
        return None

    def wrapped(inner: App) -> App:
        return functools.reduce(lambda app, wrap: wrap(app), wraps, inner)

    def patched(parts: Parts) -> None:
        for patch in patches:
            patch(parts)

    return Fault(
        patch=patched,
        middleware=wrapped,
        settings={**own.settings, **need.settings},
        app=(lambda: wrapped(app())) if app else None,
        timeout=max(need.timeout, own.timeout),
    )


@pytest.mark.parametrize(("check_id", "need"), NEEDS, ids=map(" needs ".join, NEEDS))
def test_need_is_necessary(check_id: str, need: str) -> None:
    """Without the needed check, the verdict would be misleading.

    Where only the needed check fails, this one does not pass; or it passes there even if the
    server has the fault that it looks for, because it cannot see the fault.
    """
    if any(outcome_alone(check_id, fault) is not Outcome.PASSED for fault in faults_of(need)):
        return
    both = [together(fault, FAULTS[check_id]) for fault in faults_of(need)]
    unseen = [fault for fault in both if fault and outcome_alone(check_id, fault) is Outcome.PASSED]
    assert unseen, f"{check_id} gives the right verdict without {need}"
