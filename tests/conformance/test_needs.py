"""A check needs another one only if a failure of that one makes it meaningless."""

import functools

import pytest

from chatkit_scaffold.conformance.check import Outcome
from chatkit_scaffold.conformance.families import REGISTRY
from chatkit_scaffold.conformance.suite import run_checks
from tests.conformance.servers.catalogue import FAULTS, MORE_FAULTS, ODD
from tests.conformance.servers.correct import Fault, Parts, build, headers_for
from tests.conformance.servers.serving import App, serve

PROTECTS = {("items-retry-long", "threads-items-paged")}
"""The need protects the server: the SDK would ask this store for the next page forever."""
NEEDS = [
    (check.id, need)
    for check in REGISTRY.values()
    for need in sorted(check.needs)
    if (check.id, need) not in PROTECTS
]


NOT_APPLICABLE = {
    "transport-cors-preflight": ODD["same origin"],
    "transport-event-types": FAULTS["transport-event-stream-type"],
}
"""Servers on which a needed check is skipped or untestable, which blocks those that need it."""


def faults_of(check_id: str) -> list[Fault]:
    """Return the servers on which a check fails."""
    return [FAULTS[check_id], *(fault for name, fault in MORE_FAULTS.values() if name == check_id)]


def servers_without(need: str) -> list[Fault]:
    """Return the servers on which a needed check does not pass."""
    others = [fault for name, fault in NOT_APPLICABLE.items() if name == need]
    return faults_of(need) + others


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


def together(need: Fault, own: Fault) -> Fault:
    """Return a server with both faults, that of the needed check in front of the other."""
    wraps = [fault.middleware for fault in (own, need) if fault.middleware]
    # A backend without the SDK has no parts to patch, and replaces the other application.
    app = need.app or own.app

    def wrapped(inner: App) -> App:
        return functools.reduce(lambda app, wrap: wrap(app), wraps, inner)

    def patched(parts: Parts) -> None:
        for patch in (need.patch, own.patch):
            if patch:
                patch(parts)

    return Fault(
        patch=patched,
        middleware=wrapped,
        settings={**own.settings, **need.settings},
        app=(lambda: wrapped(app())) if app else None,
        timeout=max(need.timeout, own.timeout),
    )


@pytest.mark.parametrize("check_id", NOT_APPLICABLE)
def test_need_does_not_apply(check_id: str) -> None:
    """These servers say nothing about the needed check."""
    outcome = outcome_alone(check_id, NOT_APPLICABLE[check_id])
    assert outcome in {Outcome.SKIPPED, Outcome.UNTESTABLE}


@pytest.mark.parametrize(("check_id", "need"), NEEDS, ids=map(" needs ".join, NEEDS))
def test_need_is_necessary(check_id: str, need: str) -> None:
    """Without the needed check, the verdict would be misleading.

    Either this check does not pass on a server where only the needed one does not, or it passes
    there even if the server has the fault that it looks for, because it cannot see the fault.
    """
    without = servers_without(need)
    if any(outcome_alone(check_id, fault) is not Outcome.PASSED for fault in without):
        return
    both = (together(fault, own) for fault in without for own in faults_of(check_id))
    unseen = any(outcome_alone(check_id, fault) is Outcome.PASSED for fault in both)
    assert unseen, f"{check_id} gives the right verdict without {need}"
