"""What is specific to SQLite."""

import asyncio
import resource
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.base import ChatStore, StoreUnavailableError
from app.database.driver import SqliteDatabase
from app.database.file import Identity, connect
from app.errors import StartupError
from app.store import StoreSettings, migrate, open_store
from tests.store.samples import (
    ANNA,
    WRITES,
    item_ids,
    make_thread,
    read_all,
    save_conversation,
)

Outage = Callable[[], AbstractContextManager[None]]


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


@pytest.mark.anyio
async def test_write_waits_while_another_process_writes(store: ChatStore, outage: Outage) -> None:
    """Reads continue, and see nothing of the waiting write."""
    await save_conversation(store)
    before = await read_all(store)
    with outage():
        writing = asyncio.create_task(WRITES["new item"](store))
        assert await read_all(store) == before
        assert not writing.done()
    await writing
    assert await read_all(store) != before


@pytest.fixture
def file(store_env: dict[str, str]) -> Path:
    """The file of `store`."""
    return Path(store_env["DATABASE_URL"].removeprefix("sqlite:///"))


@pytest.fixture
def statements() -> list[str]:
    """What `database` executes when it writes."""
    return []


@pytest.fixture
async def database(
    store: ChatStore, file: Path, statements: list[str]
) -> AsyncIterator[SqliteDatabase]:
    """The file of `store`, opened once more."""
    reader, writer = connect(file), connect(file)
    writer.set_trace_callback(statements.append)
    opened = SqliteDatabase(reader, writer, Identity(file))
    yield opened
    await opened.close()


@pytest.mark.anyio
async def test_simultaneous_writes_share_a_commit(
    store: ChatStore, outage: Outage, database: SqliteDatabase, statements: list[str]
) -> None:
    """What waits for a commit is in the next one; a statement that fails is left out alone."""
    await save_conversation(store)
    add = "INSERT INTO threads (id, user_id, payload) VALUES (:id, 'anna', '{}')"
    with outage():
        writes = [asyncio.create_task(database.write(add, {"id": f"{n}"})) for n in range(20)]
        writes.append(asyncio.create_task(database.write(add, {"id": "thr_anna"})))
        await asyncio.wait(writes, timeout=0.1)
        assert statements == ["BEGIN IMMEDIATE"]
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert statements.count("COMMIT") == 1
    assert results[:20] == [[]] * 20
    assert str(results[20]).endswith("UNIQUE constraint failed: threads.id.")
    [(count,)] = await database.read("SELECT count(*) FROM threads", {})
    assert count == 21


@pytest.mark.anyio
async def test_waiting_write_can_be_cancelled(store: ChatStore, outage: Outage) -> None:
    """A write that has not begun is withdrawn at once, and those beside it stay."""
    await save_conversation(store)
    with outage():
        kept, withdrawn = (
            asyncio.create_task(WRITES[name](store)) for name in ("new item", "renamed thread")
        )
        await asyncio.wait([withdrawn], timeout=0.1)
        withdrawn.cancel()
        await asyncio.wait([withdrawn], timeout=1)
        assert withdrawn.cancelled()
        assert not kept.done()
    await kept
    assert await item_ids(store) == ["one", "two", "new"]
    assert (await store.load_thread("thr_anna", ANNA)).title is None


@pytest.mark.anyio
async def test_closing_completes_what_was_asked_for(database: SqliteDatabase, file: Path) -> None:
    """No write is lost between the last request and the end of the process."""
    add = "INSERT INTO threads (id, user_id, payload) VALUES (:id, 'anna', '{}')"
    writes = [asyncio.create_task(database.write(add, {"id": f"{n}"})) for n in range(20)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*writes)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM threads").fetchone() == (20,)
    with pytest.raises(StoreUnavailableError, match="is closed"):
        await database.read("SELECT 1", {})


def delete(file: Path) -> None:
    """Delete the file and what belongs to it."""
    for path in file.parent.glob(f"{file.name}*"):
        path.unlink()


def replace(file: Path) -> None:
    """Put a copy of the file in its place, as a restored backup is."""
    copy = file.with_name("copy")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    copy.replace(file)


def delete_log(file: Path) -> None:
    """Delete the newest changes."""
    file.with_name(f"{file.name}-wal").unlink()


@pytest.mark.parametrize("remove", [delete, replace, delete_log])
@pytest.mark.anyio
async def test_nothing_is_written_to_a_lost_file(
    store: ChatStore, file: Path, remove: Callable[[Path], None]
) -> None:
    """SQLite itself goes on writing to the open file, which nobody will find again."""
    await save_conversation(store)
    remove(file)
    for call in (store.ping(), *(write(store) for write in WRITES.values())):
        with pytest.raises(StoreUnavailableError, match=f"{file.name} was deleted or replaced"):
            await call


def touch(file: Path) -> None:
    """Change the time and the permissions of the file."""
    file.touch()
    file.chmod(0o600)


def link(file: Path) -> None:
    """Give the file another name."""
    file.with_name("other.db").hardlink_to(file)


def move_folder(file: Path) -> None:
    """Put a link in the place of the folder."""
    moved = file.parent.rename(file.parent.with_name(f"{file.parent.name}_moved"))
    file.parent.symlink_to(moved)


@pytest.mark.parametrize("change", [touch, link, move_folder])
@pytest.mark.anyio
async def test_file_may_change_otherwise(
    store: ChatStore, file: Path, change: Callable[[Path], None]
) -> None:
    """As long as the path leads to the same file, it is written to."""
    await save_conversation(store)
    change(file)
    await store.ping()
    await store.rename_thread("thr_anna", "New", ANNA)


@pytest.mark.anyio
async def test_path_may_be_a_link(tmp_path: Path) -> None:
    """The file and its log are found where the link leads, until it leads elsewhere."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        await migrate(settings_for(f"sqlite:///{tmp_path}/{name}/chatkit.db"))
    path = tmp_path / "chatkit.db"
    path.symlink_to(tmp_path / "one" / "chatkit.db")
    async with open_store(settings_for(f"sqlite:///{path}")) as store:
        await store.ping()
        path.unlink()
        path.symlink_to(tmp_path / "two" / "chatkit.db")
        with pytest.raises(StoreUnavailableError, match="was deleted or replaced"):
            await store.ping()


@pytest.mark.anyio
async def test_full_disk_is_not_ready(store: ChatStore) -> None:
    """Nothing is acknowledged while files cannot grow; afterwards everything works again."""
    await save_conversation(store)
    before = await read_all(store)
    _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        for call in (store.ping(), *(write(store) for write in WRITES.values())):
            with pytest.raises(StoreUnavailableError, match=r"disk I/O error|disk is full"):
                await call
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert await read_all(store) == before
    await store.ping()


@pytest.mark.parametrize("table", ["threads", "items", "feedback"])
@pytest.mark.anyio
async def test_missing_table_is_not_ready(store: ChatStore, file: Path, table: str) -> None:
    """The reason names the table."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"DROP TABLE {table}")
    with pytest.raises(StoreUnavailableError, match=f"has no table {table}"):
        await store.ping()


@pytest.mark.anyio
async def test_locked_file_is_not_ready_soon(store: ChatStore, outage: Outage) -> None:
    """A ping does not wait as long as a write does, and is right again after the lock."""
    with outage():
        ping = asyncio.create_task(store.ping())
        write = asyncio.create_task(store.save_thread(make_thread("thr_anna"), ANNA))
        with pytest.raises(StoreUnavailableError, match="is locked"):
            await ping
        assert not write.done()
    await write
    await store.ping()
