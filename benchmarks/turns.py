"""How many turns a second a server completes, beside the quickstart and bare Starlette."""

from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

from benchmarks.lab import Lab, load
from benchmarks.processes import cpu_seconds
from benchmarks.table import Row
from chatkit_scaffold.launcher import Server

CONNECTIONS = 16
SECONDS = 2.0
"""How long each server is measured in each round."""

_WANTED = {"memory": 4.0, "sqlite": 2.0, "postgres": 1.5, "redis": 1.5}
_WANTED_BARE = 0.4
_OPERATIONS = {"a message in a thread": False, "a new thread": True}


def measure(lab: Lab) -> Iterator[Row]:
    """Compare the stores of the lab with the references, all in the same rounds."""
    with ExitStack() as stack:
        servers = {
            "bare": stack.enter_context(lab.bare()),
            "quickstart": stack.enter_context(lab.quickstart()),
            **{store: stack.enter_context(lab.generated(store)) for store in lab.stores},
        }
        for operation, create in _OPERATIONS.items():
            yield from _compare(servers, operation, create, lab.rounds)


def _compare(
    servers: dict[str, Server], operation: str, create: bool, rounds: int
) -> Iterator[Row]:
    rates: dict[str, list[float]] = {name: [] for name in servers}
    costs: dict[str, list[float]] = {name: [] for name in servers}
    for _ in range(rounds):
        for name, server in servers.items():
            before = cpu_seconds(server.process.pid)
            done, seconds = load(
                "turns",
                url=server.url,
                connections=CONNECTIONS,
                seconds=SECONDS,
                create=create,
            )
            rates[name].append(done / seconds)
            costs[name].append((cpu_seconds(server.process.pid) - before) / done * 1000)

    def row(name: str, reference: str, at_least: float | None) -> Row:
        # A ratio for each round: what else the machine does affects both sides of it alike.
        pairs = zip(rates[name], rates[reference], strict=True)
        return Row(
            f"{operation}: {name} ÷ {reference}",
            f"{median(rates[name]):.0f} ÷ {median(rates[reference]):.0f} turns/s, "
            f"{median(costs[name]):.2f} ÷ {median(costs[reference]):.2f} ms of CPU each",
            median(ours / theirs for ours, theirs in pairs),
            # The figures to reach are those of the conversation, not of its first message.
            at_least=None if create else at_least,
        )

    for name, wanted in _WANTED.items():
        if name in rates:
            yield row(name, "quickstart", wanted)
    if "memory" in rates:
        yield row("memory", "bare", _WANTED_BARE)
