"""What only a SQLite store does."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.errors import StartupError
from app.store import StoreSettings, create_writer, open_store


def settings_for(url: str) -> StoreSettings:
    """Return the settings that come of a DATABASE_URL."""
    return StoreSettings(database_url=url)


def test_the_file_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has to be set."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert StoreSettings().database_url == "sqlite:///chatkit.db"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("chatkit.db", "is not a URL"),
        ("mysql://localhost/chatkit", "is a URL for mysql"),
        ("sqlite://", "does not name a file"),
        ("sqlite:///:memory:", "does not name a file"),
    ],
)
def test_what_names_no_file_is_refused(url: str, reason: str) -> None:
    """The message says what is wrong and shows a URL that is right."""
    with pytest.raises(ValidationError, match=f"{reason}; use sqlite:///chatkit.db"):
        settings_for(url)


@pytest.mark.anyio
async def test_a_folder_that_is_not_there_is_a_failed_start(tmp_path: Path) -> None:
    """The error is one sentence that names the variable."""
    with pytest.raises(StartupError, match=r"^DATABASE_URL: .*unable to open database file$"):
        async with open_store(settings_for(f"sqlite:///{tmp_path}/missing/chatkit.db")):
            pass


@pytest.mark.anyio
async def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    """A file that is no database is neither used nor overwritten."""
    file = tmp_path / "notes.txt"
    file.write_text("not a database\n" * 100)
    with pytest.raises(StartupError, match="file is not a database"):
        async with open_store(settings_for(f"sqlite:///{file}")):
            pass
    assert file.read_text() == "not a database\n" * 100


@pytest.mark.anyio
async def test_commits_are_safe_and_readers_do_not_wait(tmp_path: Path) -> None:
    """SQLite's own defaults give neither a write-ahead log nor foreign keys."""
    engine = create_writer(settings_for(f"sqlite:///{tmp_path}/chatkit.db"))
    async with engine.connect() as connection:
        found = {
            name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    await engine.dispose()
    full = 2
    assert found == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "busy_timeout": 5000,
    }
