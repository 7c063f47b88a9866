"""Checks do not influence each other: a check has one outcome, whatever runs before it."""

import functools
import random
from collections.abc import Callable, Iterator

import pytest

from chatkit_scaffold.conformance import suite
from chatkit_scaffold.conformance.check import Check, Outcome
from chatkit_scaffold.conformance.families import REGISTRY
from tests.conformance.servers import hand_routed, quickstart, tutorial
from tests.conformance.servers.catalogue import FAULTS, MORE_FAULTS, ODD
from tests.conformance.servers.correct import Fault, build, headers_for
from tests.conformance.servers.serving import PATH, App, serve

Outcomes = dict[str, Outcome]

KNOWN: dict[str, Callable[[], App]] = {
    "tutorial": lambda: tutorial.app,
    "quickstart": quickstart.build,
    "json only": hand_routed.json_only,
    "completion chunks": hand_routed.completion_chunks,
    "json lines": hand_routed.json_lines,
}
SERVERS: dict[str, Fault] = {
    **FAULTS,
    **{name: fault for name, (_, fault) in MORE_FAULTS.items()},
    **ODD,
    **{name: Fault(app=app) for name, app in KNOWN.items()},
}
EVERY_CHECK_ALONE = (
    "unchanged",
    "limit capped",
    "quickstart",
    "threads-no-ghosts",
    "threads-created-once",
    "one thread for all",
)
"""Servers on which `make test` runs every check alone; `--thorough` does so on all of them."""


def shuffled(name: str) -> dict[str, Check]:
    """Return all checks in a random order in which each still comes after those it needs."""
    order = random.Random(name)  # noqa: S311 - for a repeatable order
    waiting, placed = dict(REGISTRY), dict[str, Check]()
    while waiting:
        ready = [one for one in waiting.values() if one.needs <= placed.keys()]
        check = order.choice([one for one in ready if not one.last] or ready)
        placed[check.id] = waiting.pop(check.id)
    return placed


def outcomes(name: str, *select: str) -> Outcomes:
    """Run checks, by default all, on a new instance of a server."""
    fault = SERVERS[name]
    path = "/agent/chatkit" if name == "tutorial" else PATH
    with serve(build(fault), path) as url:
        report = suite.run_checks(
            url,
            headers=headers_for("first"),
            other_headers=headers_for("second"),
            timeout=fault.timeout,
            select=select,
        )
    assert report.errors == []
    assert report.unfinished == ""
    return {result.check.id: result.outcome for result in report.results}


@functools.cache
def full_run(name: str) -> Outcomes:
    """Run all checks in their usual order."""
    return outcomes(name)


def compared_alone(name: str, *, thorough: bool) -> Iterator[str]:
    """Choose the checks to run alone: all of them, or those that found something.

    The last checks search the exchanges of all others, so alone they see less.
    """
    every = thorough or name in EVERY_CHECK_ALONE
    for check_id, outcome in full_run(name).items():
        if not REGISTRY[check_id].last and (every or outcome is Outcome.FAILED):
            yield check_id


@pytest.mark.parametrize("name", SERVERS)
def test_order_does_not_matter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run in another order has the same outcomes."""
    expected = full_run(name)
    monkeypatch.setattr(suite, "REGISTRY", shuffled(name))
    assert outcomes(name) == expected


@pytest.mark.parametrize("name", SERVERS)
def test_alone_as_in_a_full_run(name: str, request: pytest.FixtureRequest) -> None:
    """A check that runs alone, after those it needs, has the same outcome as in a full run."""
    thorough = bool(request.config.getoption("--thorough"))
    selected = list(compared_alone(name, thorough=thorough))
    alone = {check_id: outcomes(name, check_id)[check_id] for check_id in selected}
    assert alone == {check_id: full_run(name)[check_id] for check_id in selected}
