"""What is specific to SQLite."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.database.file import connect
from app.errors import StartupError
from app.store import StoreSettings, migrate, open_store


def settings_for(url: str) -> StoreSettings:
    """Return the settings for a DATABASE_URL."""
    return StoreSettings(database_url=url)


def test_the_file_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable has to be set."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert StoreSettings().database_url == "sqlite:///chatkit.db"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("chatkit.db", "is not a URL"),
        ("mysql://localhost/chatkit", "is a URL for mysql"),
        ("sqlite://", "does not name a file"),
        ("sqlite:///:memory:", "does not name a file"),
        ("sqlite:///chatkit.db?mode=ro", "has options after its question mark"),
    ],
)
def test_url_without_a_file_is_rejected(url: str, reason: str) -> None:
    """The message names the problem and shows a valid URL."""
    with pytest.raises(ValidationError, match=f"{reason}; use sqlite:///chatkit.db"):
        settings_for(url)


def test_one_process_answers() -> None:
    """Several processes could not order the turns of a thread."""
    assert StoreSettings.model_validate({"workers": "1"}).workers == 1
    with pytest.raises(ValidationError, match="must be 1: several processes cannot answer in turn"):
        StoreSettings.model_validate({"workers": "2"})


@pytest.mark.anyio
async def test_start_fails_without_the_folder(tmp_path: Path) -> None:
    """The error is one sentence with the variable's name."""
    with pytest.raises(StartupError, match=r"^DATABASE_URL: .*unable to open database file$"):
        async with open_store(settings_for(f"sqlite:///{tmp_path}/missing/chatkit.db")):
            pass


def test_failed_start_leaves_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread of the driver reports to the event loop after it is closed."""
    failures: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failures.append)
    before = set(threading.enumerate())
    for _ in range(20):
        with pytest.raises(StartupError):
            asyncio.run(migrate(settings_for(f"sqlite:///{tmp_path}/missing/chatkit.db")))
    for thread in set(threading.enumerate()) - before:
        thread.join()
    assert failures == []


@pytest.mark.anyio
async def test_start_waits_for_a_process_that_creates_the_file(tmp_path: Path) -> None:
    """SQLite itself would not wait: the write-ahead log is not enabled yet."""
    file = tmp_path / "chatkit.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        start = asyncio.create_task(migrate(settings_for(f"sqlite:///{file}")))
        await asyncio.wait([start], timeout=0.5)
        assert not start.done()
        other.execute("COMMIT")
        await start


@pytest.mark.anyio
async def test_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    """A file that is not a database is neither used nor overwritten."""
    file = tmp_path / "notes.txt"
    file.write_text("not a database\n" * 100)
    with pytest.raises(StartupError, match="file is not a database"):
        async with open_store(settings_for(f"sqlite:///{file}")):
            pass
    assert file.read_text() == "not a database\n" * 100


def test_connections_are_durable_and_check_foreign_keys(tmp_path: Path) -> None:
    """By default SQLite has no write-ahead log, and ignores foreign keys."""
    with closing(connect(tmp_path / "chatkit.db")) as connection:
        found = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    full = 2
    assert found == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "busy_timeout": 5000,
    }
