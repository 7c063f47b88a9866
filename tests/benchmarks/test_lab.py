"""The benchmarks' servers start, and answer the load generator."""

from collections.abc import Iterator

import pytest

from benchmarks.lab import STORES, Lab, load, open_lab
from benchmarks.wire import add_request, items_request, threads_request


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The servers of all benchmarks."""
    with open_lab() as opened:
        yield opened


@pytest.mark.parametrize("name", ["quickstart", "bare"])
def test_references_answer(lab: Lab, name: str) -> None:
    """The load generator gets whole answers from what projects are compared with."""
    with getattr(lab, name)() as server:
        for create in (True, False):
            done, _ = load("turns", url=server.url, connections=2, seconds=0.2, create=create)
            assert done > 0


@pytest.mark.parametrize("store", STORES)
def test_projects_answer_from_a_full_store(lab: Lab, store: str) -> None:
    """Threads and items are where the benchmarks look for them."""
    with lab.filled(store, threads=3, lengths=[30]) as server:
        sent = {
            "threads": threads_request(limit=2),
            "oldest": items_request("long_30", None, "asc"),
            "after": items_request("long_30", "msg_21", "desc"),
            "turn": add_request("long_30"),
        }
        took = load(
            "requests",
            sent={name: (server.url, body.decode()) for name, body in sent.items()},
            rounds=1,
        )
        delays = load("delays", url=server.url, streams=2, rounds=1)

    assert all(milliseconds > 0 for milliseconds in took.values())
    assert len(delays) == 2 * 20
