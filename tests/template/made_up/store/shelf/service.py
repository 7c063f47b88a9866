"""Empty files for tests."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(folder: Path) -> Iterator[Callable[[], dict[str, str]]]:
    """Yield a function that returns the environment of an empty store in *folder*."""
    yield lambda: {"SHELF_PATH": f"{tempfile.mkdtemp(dir=folder)}/shelf.db"}
