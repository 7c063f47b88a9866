"""What pages and turns cost in long threads and with many threads, beside short and few."""

from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks.lab import Lab, load
from benchmarks.table import Row
from benchmarks.wire import add_request, items_request, threads_request

LENGTHS = (100, 10_000, 100_000)
"""Items of the threads."""
FEW, MANY = 10, 100_000
"""Threads of the two users."""
REQUESTS = 40
"""How often each request is sent."""

_WANTED = 1.3
_SHORT, *_LONGER = LENGTHS


def measure(lab: Lab) -> Iterator[Row]:
    """Compare within each store."""
    for store in lab.stores:
        with ExitStack() as stack:
            few = stack.enter_context(lab.filled(store, threads=FEW, lengths=[]))
            many = stack.enter_context(lab.filled(store, threads=MANY, lengths=LENGTHS))
            yield from _compare(store, few.url, many.url)


def _compare(store: str, few: str, many: str) -> Iterator[Row]:
    newest = threads_request(limit=FEW)
    sent = {f"threads {FEW}": (few, newest), f"threads {MANY}": (many, newest)}
    for length in LENGTHS:
        for name, body in _requests_in(length).items():
            sent[f"{name} {length}"] = (many, body)
    took = load(
        "requests",
        sent={name: (url, body.decode()) for name, (url, body) in sent.items()},
        rounds=REQUESTS,
    )
    for name in _requests_in(_SHORT):
        for length in _LONGER:
            title = f"{store}: {name}, {length:,} ÷ {_SHORT} items"
            yield _row(title, took[f"{name} {length}"], took[f"{name} {_SHORT}"])
    title = f"{store}: newest threads, {MANY:,} ÷ {FEW}"
    yield _row(title, took[f"threads {MANY}"], took[f"threads {FEW}"])


def _requests_in(length: int) -> dict[str, bytes]:
    """Return the requests in a long thread by name."""
    thread = f"long_{length}"
    return {
        "newest page": items_request(thread, None, "desc"),
        "oldest page": items_request(thread, None, "asc"),
        # Where a user arrives who scrolls up to the first message.
        "last page": items_request(thread, "msg_21", "desc"),
        "turn": add_request(thread),
    }


def _row(title: str, ours: float, reference: float) -> Row:
    return Row(title, f"{ours:.2f} ÷ {reference:.2f} ms", ours / reference, at_most=_WANTED)
