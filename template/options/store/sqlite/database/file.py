"""Opens connections to the SQLite file."""

import shutil
import sqlite3
import time
from pathlib import Path

from app.base import StoreUnavailableError
from app.errors import StartupError

BUSY_TIMEOUT = 5.0
"""How long to wait for another process that writes, in seconds."""

MIN_FREE = 1_000_000
"""Bytes that are free on a disk which is not full."""

_ENABLE_WAL = "PRAGMA journal_mode = WAL"
_PRAGMAS = (
    # Allow reads during a write.
    _ENABLE_WAL,
    # Committed data must survive a power cut: flush to the disk at every commit.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection that any thread may use, one at a time; create the file if necessary.

    Raises:
        StartupError: The file cannot be opened, or is not a database.
    """
    try:
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
        )
        _set_up(connection)
    except sqlite3.Error as error:
        raise StartupError(f"DATABASE_URL: {error}") from error
    return connection


def _set_up(connection: sqlite3.Connection) -> None:
    """Set what SQLite does not keep in the file."""
    deadline = time.monotonic() + BUSY_TIMEOUT
    while not _enables_wal(connection, deadline):
        time.sleep(0.02)
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _enables_wal(connection: sqlite3.Connection, deadline: float) -> bool:
    """Enable the write-ahead log, unless another process keeps the file locked.

    SQLite ignores its timeout here when the other process is about to write, such as when
    two processes start at once on a new file.
    """
    try:
        connection.execute(_ENABLE_WAL)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
            raise
        return False
    return True


class Identity:
    """The file that a path led to when it was opened, and its write-ahead log."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        # SQLite puts the log beside the file, not beside a link to it.
        self._paths = (path, Path(f"{path.resolve()}-wal"))
        self._found = self._find()

    def require(self) -> None:
        """Return if both are still there.

        Raises:
            StoreUnavailableError: What is written to the open file will be lost.
        """
        if self._find() != self._found:
            raise StoreUnavailableError(f"{self._name} was deleted or replaced since it was opened")

    def require_space(self) -> None:
        """Return if the disk has room for more messages.

        On a full disk, a short write can still succeed: it replaces an older one in the log.

        Raises:
            StoreUnavailableError: Longer ones fail.
        """
        if shutil.disk_usage(self._paths[0].parent).free < MIN_FREE:
            raise StoreUnavailableError("The disk is full.")

    def _find(self) -> list[tuple[int, int] | None]:
        return [_identify(path) for path in self._paths]


def _identify(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
