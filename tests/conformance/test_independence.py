"""Checks do not influence each other: a check has one outcome, whatever runs before it."""

import functools
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatkit_scaffold.conformance import suite
from chatkit_scaffold.conformance.check import Check, Outcome
from chatkit_scaffold.conformance.families import REGISTRY
from tests.conformance.servers import (
    access_faults,
    hand_routed,
    harmful,
    quickstart,
    store_faults,
    thread_faults,
    tutorial,
)
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
STATEFUL = {
    "threads-no-ghosts",
    "threads-created-once",
    *KNOWN,
    *(
        name
        for module in (access_faults, harmful, store_faults, thread_faults)
        for kind in ("FAULTS", "MORE_FAULTS", "ODD")
        for name in getattr(module, kind, {})
    ),
}
"""Servers whose fault is in what they store or whom they show it to, so that what one check has
done is likeliest to show in another one."""
EVERY_CHECK_ALONE = (
    "unchanged",
    "limit capped",
    "quickstart",
    "threads-no-ghosts",
    "threads-created-once",
)
"""Servers on which `make test` runs every check alone."""
_AT_ONCE = 6
"""Servers that run at the same time; a run mostly waits for answers."""
GUARDED = harmful.FAULTS.keys()
"""Servers that harm other threads: which checks can be tested depends on the order, because the
first operation that does harm is not sent again. A verdict may become untestable, but no other."""
CERTAIN = {
    "threads-distinct": "threads-distinct",
    "one thread for all": "threads-distinct",
    "one thread for all, in use": "threads-distinct",
    "items of all threads": "threads-distinct",
    "threads-delete-only-one": "threads-delete-only-one",
}
"""Servers on which every check sees what others have sent, because all messages are in one thread,
or misses what others have deleted. Only this check can give the same verdict in any order."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the servers; both tests of a server share its full run, in one process."""
    if "name" not in metafunc.fixturenames:
        return
    thorough = bool(metafunc.config.getoption("--thorough"))
    alone = EVERY_CHECK_ALONE if metafunc.function is test_alone_as_in_a_full_run else ()
    metafunc.parametrize(
        "name",
        [
            pytest.param(name, marks=pytest.mark.xdist_group(f"independence {name}"))
            for name in SERVERS
            if thorough or name in STATEFUL or name in alone
        ],
    )


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


def outcome(name: str, check_id: str) -> Outcome:
    """Run one check, after those it needs, on a new instance of a server."""
    return outcomes(name, check_id)[check_id]


def agree(name: str, check_id: str, pair: tuple[Outcome, Outcome]) -> bool:
    """Return whether a server may give a check these two outcomes."""
    if name in CERTAIN:
        return check_id != CERTAIN[name] or Outcome.PASSED not in pair
    return pair[0] is pair[1] or (name in GUARDED and Outcome.UNTESTABLE in pair)


def differences(name: str, got: Outcomes, expected: Outcomes) -> dict[str, tuple[Outcome, Outcome]]:
    """Return the outcomes that should agree and do not."""
    pairs = {check_id: (outcome, expected[check_id]) for check_id, outcome in got.items()}
    return {check_id: pair for check_id, pair in pairs.items() if not agree(name, check_id, pair)}


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


def test_order_does_not_matter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run in another order has the same outcomes.

    `make test` tries this on the servers that are `STATEFUL`, `--thorough` on all.
    """
    expected = full_run(name)
    monkeypatch.setattr(suite, "REGISTRY", shuffled(name))
    got = outcomes(name)
    assert got.keys() == expected.keys()
    assert differences(name, got, expected) == {}


def test_alone_as_in_a_full_run(name: str, request: pytest.FixtureRequest) -> None:
    """A check that runs alone, after those it needs, has the same outcome as in a full run.

    `make test` tries what fails on the `STATEFUL` servers, and every check on a few servers;
    `--thorough` tries every check on all.
    """
    thorough = bool(request.config.getoption("--thorough"))
    selected = list(compared_alone(name, thorough=thorough))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        alone = dict(
            zip(selected, pool.map(functools.partial(outcome, name), selected), strict=True)
        )
    assert differences(name, alone, full_run(name)) == {}
