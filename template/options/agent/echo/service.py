"""The echo agent for tests: quick, but slow enough to be stopped."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(folder: Path) -> Iterator[Callable[[], dict[str, str]]]:
    """Yield a function that returns the agent's environment."""
    yield lambda: {"ECHO_DELAY": "0.005"}
