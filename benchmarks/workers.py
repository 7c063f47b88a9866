"""What a second worker process adds, on one PostgreSQL database."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

from benchmarks.lab import Lab, load
from benchmarks.table import Row

_WANTED = 1.6
_CONNECTIONS = 32
_SECONDS = 3.0
_CORES = 4
"""Two workers, the database and the load generator."""


def measure(lab: Lab) -> Iterator[Row]:
    """Compare two workers with one."""
    if "postgres" not in lab.stores:
        return
    cores = len(os.sched_getaffinity(0))
    with ExitStack() as stack:
        one, two = (
            stack.enter_context(lab.generated("postgres", WORKERS=workers)) for workers in "12"
        )
        rates = [(_rate(two.url), _rate(one.url)) for _ in range(lab.rounds)]
    remark = "" if cores >= _CORES else f"; says nothing on {cores} cores, {_CORES} are needed"
    yield Row(
        "postgres: two workers ÷ one",
        f"{median(ours for ours, _ in rates):.0f} ÷ {median(single for _, single in rates):.0f}"
        f" turns/s{remark}",
        median(ours / single for ours, single in rates),
        at_least=None if remark else _WANTED,
    )


def _rate(url: str) -> float:
    done, seconds = load("turns", url=url, connections=_CONNECTIONS, seconds=_SECONDS, create=False)
    return float(done / seconds)
