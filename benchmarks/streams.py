"""What a backend adds to the delay of each delta, and the memory of a stream.

Every stream gets 20 words a second. The delay is the time from the moment at which the agent has a
delta to the moment at which the load generator has read it.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from statistics import quantiles

from benchmarks.lab import Lab, load
from benchmarks.processes import peak_memory
from benchmarks.table import Row
from chatkit_scaffold.launcher import Server

STREAMS = (1, 50, 200)
DELAY = 0.05
"""Seconds between two words."""


def measure(lab: Lab) -> Iterator[Row]:
    """Measure the stores of the lab and the quickstart; the fewest streams first."""
    with ExitStack() as stack:
        variables = {"BENCH_DELAY": str(DELAY)}
        servers = {
            "quickstart": stack.enter_context(lab.quickstart(**variables)),
            **{
                store: stack.enter_context(lab.generated(store, **variables))
                for store in lab.stores
            },
        }
        peaks: dict[str, list[int]] = {name: [] for name in servers}
        for streams in STREAMS:
            for name, server in servers.items():
                yield _delay(name, server, streams, lab.rounds)
                peaks[name].append(peak_memory(server.process.pid))
        for name, (_, some, most) in peaks.items():
            per_stream = (most - some) / (STREAMS[-1] - STREAMS[-2])
            yield Row(f"{name}: memory", f"{per_stream:.0f} KiB for each of {STREAMS[-1]} streams")


def _delay(name: str, server: Server, streams: int, rounds: int) -> Row:
    delays = load("delays", url=server.url, streams=streams, rounds=rounds)
    percents = quantiles(delays, n=100)
    return Row(
        f"{name}: delay of a delta, {streams} streams",
        f"p50 {percents[49]:.2f} ms, p99 {percents[98]:.2f} ms",
    )
