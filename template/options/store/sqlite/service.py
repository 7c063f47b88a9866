"""Empty database files for tests."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(folder: Path) -> Iterator[Callable[[], dict[str, str]]]:
    """Yield a function that returns the environment of an empty store in *folder*."""
    yield lambda: {"DATABASE_URL": f"sqlite:///{tempfile.mkdtemp(dir=folder)}/chatkit.db"}
