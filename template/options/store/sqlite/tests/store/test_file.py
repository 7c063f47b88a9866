"""What happens to the SQLite file, its disk and its locks while the backend runs."""

import asyncio
import os
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from app.base import ChatStore, StoreUnavailableError
from app.database.driver import SqliteDatabase
from app.database.file import Identity, connect
from app.store import StoreSettings, migrate, open_store
from tests.store.samples import (
    ANNA,
    WRITES,
    item_ids,
    make_thread,
    read_all,
    save_conversation,
)

pytestmark = pytest.mark.anyio

Outage = Callable[[], AbstractContextManager[None]]


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


async def test_waiting_write_can_be_cancelled(store: ChatStore, outage: Outage) -> None:
    """A write that has not begun is withdrawn at once, and those beside it stay."""
    await save_conversation(store)
    with outage():
        kept = asyncio.create_task(WRITES["new item"](store))
        withdrawn = asyncio.create_task(WRITES["renamed thread"](store))
        await asyncio.wait([withdrawn], timeout=0.1)
        withdrawn.cancel()
        await asyncio.wait([withdrawn], timeout=1)
        assert withdrawn.cancelled()
        assert not kept.done()
    await kept
    assert await item_ids(store) == ["one", "two", "new"]
    assert (await store.load_thread("thr_anna", ANNA)).title is None


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
async def test_file_may_change_otherwise(
    store: ChatStore, file: Path, change: Callable[[Path], None]
) -> None:
    """As long as the path leads to the same file, it is written to."""
    await save_conversation(store)
    change(file)
    await store.ping()
    await store.rename_thread("thr_anna", "New", ANNA)


async def test_path_may_be_a_link(tmp_path: Path) -> None:
    """The file and its log are found where the link leads, until it leads elsewhere."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        await migrate(StoreSettings(database_url=f"sqlite:///{tmp_path}/{name}/chatkit.db"))
    path = tmp_path / "chatkit.db"
    path.symlink_to(tmp_path / "one" / "chatkit.db")
    async with open_store(StoreSettings(database_url=f"sqlite:///{path}")) as store:
        await store.ping()
        path.unlink()
        path.symlink_to(tmp_path / "two" / "chatkit.db")
        with pytest.raises(StoreUnavailableError, match="was deleted or replaced"):
            await store.ping()


@pytest.fixture
def users_file(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A database of the user that the test runs as; permissions do not apply to root."""
    folder = Path(tempfile.mkdtemp())
    monkeypatch.chdir(folder)
    file = folder / "chatkit.db"
    asyncio.run(migrate(StoreSettings(database_url=f"sqlite:///{file}")))
    root, nobody = os.geteuid() == 0, 65534
    if root:
        for path in (folder, *folder.iterdir()):
            os.chown(path, nobody, nobody)
        os.seteuid(nobody)
    yield file
    if root:
        os.seteuid(0)
    shutil.rmtree(folder)


@pytest.mark.parametrize("mode", [0o444, 0o400, 0o644, 0o600])
async def test_file_that_may_only_be_read_is_not_ready(users_file: Path, mode: int) -> None:
    """SQLite opens such a file, and only fails when it writes."""
    os.chmod(users_file, mode)
    settings = StoreSettings(database_url=f"sqlite:///{users_file}", app_env="production")
    async with open_store(settings) as store:
        if mode & 0o200:
            await store.ping()
            return
        with pytest.raises(StoreUnavailableError, match="attempt to write a readonly database"):
            await store.ping()
        with pytest.raises(StoreUnavailableError):
            await store.save_thread(make_thread("thr_anna"), ANNA)


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


async def test_disk_with_little_space_is_not_ready(
    store: ChatStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Short messages are still stored, as the log has room for them; longer ones would fail."""
    monkeypatch.setattr("app.database.file.MIN_FREE", 2**62)
    await save_conversation(store)
    with pytest.raises(StoreUnavailableError, match="disk is full"):
        await store.ping()


@pytest.mark.parametrize("table", ["threads", "items", "feedback"])
async def test_missing_table_is_not_ready(store: ChatStore, file: Path, table: str) -> None:
    """The reason names the table."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"DROP TABLE {table}")
    with pytest.raises(StoreUnavailableError, match=f"has no table {table}"):
        await store.ping()


async def test_locked_file_is_not_ready_soon(
    store: ChatStore, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ping does not wait as long as a write does, and is right again after the lock."""
    monkeypatch.setattr("app.database.driver.PING_TIMEOUT", 0.2)
    with outage():
        ping = asyncio.create_task(store.ping())
        write = asyncio.create_task(store.save_thread(make_thread("thr_anna"), ANNA))
        with pytest.raises(StoreUnavailableError, match="is locked"):
            await ping
        assert not write.done()
    await write
    await store.ping()
