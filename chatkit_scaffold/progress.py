"""Shows on stderr, and only at a terminal, what is being done."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def step(text: str) -> Iterator[None]:
    """Show *text* with a spinner while the block runs."""
    if not sys.stderr.isatty():
        yield
        return
    # Rich takes 80 ms to import, which a command without a terminal need not wait for.
    from rich.console import Console

    # The stream of now: Copier's is replaced while it runs.
    with Console(file=sys.stderr).status(text):
        yield
