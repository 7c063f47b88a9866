"""Authentication for tests: nothing has to be set."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(folder: Path) -> Iterator[Callable[[], dict[str, str]]]:
    """Yield a function that returns the environment of the authentication."""
    yield dict
