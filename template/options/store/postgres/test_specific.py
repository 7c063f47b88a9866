"""What is specific to PostgreSQL."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager

import psycopg
import pytest
from pydantic import SecretStr, ValidationError

from app.base import ChatStore, StoreUnavailableError
from app.database.tables import metadata
from app.errors import StartupError
from app.store import StoreSettings, open_store
from tests.store.samples import (
    ANNA,
    WRITES,
    item_ids,
    make_message,
    make_thread,
    read_all,
    save_conversation,
)

Outage = Callable[[], AbstractContextManager[None]]
Lock = Callable[[str], AbstractContextManager[None]]

LOCK_THREAD = "SELECT 1 FROM threads WHERE id = 'thr_anna' FOR UPDATE"
LOCK_TABLES = "LOCK TABLE threads, items"
DISK_FULL = """
CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER no_space BEFORE INSERT ON items EXECUTE FUNCTION no_space();
"""
PATIENT = "60"
"""A DATABASE_TIMEOUT that no test reaches, in seconds."""

UNREACHABLE = "postgresql://anna:hunter2@127.0.0.1:1/chatkit"
"""Nothing listens on port 1."""


def settings_for(url: str, **others: str) -> StoreSettings:
    """Return the settings for a DATABASE_URL."""
    return StoreSettings.model_validate({"database_url": url, **others})


@pytest.mark.parametrize(
    "url",
    [
        "postgres://anna:p%40ss@db.example.org:5432/chatkit",
        "postgresql://anna:hunter2@db.example.org/chatkit?sslmode=require&channel_binding=require",
        "postgresql:///chatkit?host=/var/run/postgresql",
        "postgresql://anna@%2Fvar%2Frun%2Fpostgresql/chatkit",
        "postgresql://anna:hunter2@one.example.org:5432,two.example.org:5432/chatkit"
        "?target_session_attrs=read-write",
    ],
    ids=["short scheme", "options", "socket", "socket as host", "two hosts"],
)
def test_urls_of_all_kinds_are_accepted(url: str) -> None:
    """Every URL that PostgreSQL's own tools accept is valid, and its password is never shown."""
    settings = settings_for(url)
    assert settings.database_url == SecretStr(url)
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://<user>:<password>@<host>:5432/<database>", "still a placeholder"),
        ("postgresql://postgres:[YOUR-PASSWORD]@db.example.org/postgres", "still a placeholder"),
        ("mysql://anna:hunter2@db.example.org/chatkit", "not a URL for PostgreSQL"),
        ("db.example.org", "not a URL for PostgreSQL"),
        ("postgresql://anna:hunter2%zz@db.example.org/chatkit", "cannot be understood"),
        ("postgresql://anna:hunter2@db.example.org/c?pgbouncer=true", "unknown option, pgbouncer"),
    ],
)
def test_other_urls_are_rejected(url: str, reason: str) -> None:
    """The message names the problem and contains no part of the password."""
    with pytest.raises(ValidationError, match=reason) as caught:
        settings_for(url)
    assert "hunter2" not in str(caught.value)


def test_the_url_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no default database."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(ValidationError, match="database_url"):
        StoreSettings()


@pytest.mark.anyio
async def test_start_fails_while_the_server_is_away() -> None:
    """In development, the error is one sentence with the variable's name and no password."""
    with pytest.raises(StartupError, match=r"^DATABASE_URL: .*refused") as caught:
        async with open_store(settings_for(UNREACHABLE)):
            pass
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.anyio
async def test_production_starts_while_the_server_is_away() -> None:
    """The backend may start before the database; until then the store is not ready."""
    async with open_store(settings_for(UNREACHABLE, app_env="production")) as store:
        with pytest.raises(StoreUnavailableError, match="does not answer"):
            await store.ping()


@pytest.mark.anyio
async def test_every_method_reports_that_the_server_is_away(
    store: ChatStore, outage: Outage
) -> None:
    """Every method raises the same error, and no write is left half done."""
    await save_conversation(store)
    before = await read_all(store)
    with outage():
        for call in (
            store.ping(),
            store.load_threads(10, None, "desc", ANNA),
            store.load_thread("thr_anna", ANNA),
            store.load_thread_items("thr_anna", None, 10, "desc", ANNA),
            store.load_item("thr_anna", "one", ANNA),
            store.load_feedback("thr_anna", ANNA),
            *(write(store) for write in WRITES.values()),
        ):
            with pytest.raises(StoreUnavailableError, match="does not answer"):
                await call
    await store.ping()
    assert await read_all(store) == before


async def poll_until_ready(store: ChatStore) -> None:
    """Wait until the store is ready again."""
    async with asyncio.timeout(30):
        while True:
            try:
                await store.ping()
                return
            except StoreUnavailableError:
                await asyncio.sleep(0.05)


@pytest.mark.anyio
async def test_full_disk_is_not_ready(store: ChatStore, store_env: dict[str, str]) -> None:
    """A write that found no room makes the store unready, although the ping's own succeeds."""
    await save_conversation(store)
    with psycopg.connect(store_env["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(DISK_FULL)
    with pytest.raises(StoreUnavailableError, match="disk of the database is full"):
        await store.save_item("thr_anna", make_message("new"), ANNA)
    with pytest.raises(StoreUnavailableError, match="disk of the database is full"):
        await store.ping()
    async with open_store(settings_for(store_env["DATABASE_URL"])) as other:
        await other.ping()


@pytest.mark.anyio
async def test_frozen_server_hangs_nothing(
    store: ChatStore, store_env: dict[str, str], freeze: Outage
) -> None:
    """Every call ends, and when the server goes on, so does the store."""
    await save_conversation(store)
    settings = settings_for(store_env["DATABASE_URL"], database_timeout="0.3")
    async with asyncio.timeout(60), open_store(settings) as impatient:
        with freeze():
            results = await asyncio.gather(
                impatient.ping(),
                impatient.load_thread("thr_anna", ANNA),
                impatient.save_item("thr_anna", make_message("new"), ANNA),
                impatient.counters().incr("key", 60),
                impatient.turn_lock("thr_anna").__aenter__(),
                return_exceptions=True,
            )
            assert {type(result) for result in results} == {StoreUnavailableError}
        await poll_until_ready(impatient)
    await store.save_item("thr_anna", make_message("three"), ANNA)
    # A write that got no answer may still have been carried out.
    kept = await item_ids(store)
    assert [item for item in kept if item != "new"] == ["one", "two", "three"]


@pytest.mark.anyio
@pytest.mark.parametrize("locked", [LOCK_THREAD, LOCK_TABLES], ids=["thread", "tables"])
async def test_locked_write_fails_in_time_and_is_undone(
    store: ChatStore, store_env: dict[str, str], lock: Lock, locked: str
) -> None:
    """A write that another program keeps waiting ends on the server, too."""
    await save_conversation(store)
    settings = settings_for(store_env["DATABASE_URL"], database_timeout="0.2")
    async with asyncio.timeout(60), open_store(settings) as impatient:
        with lock(locked), pytest.raises(StoreUnavailableError, match=r"takes over|not answer"):
            await impatient.save_item("thr_anna", make_message("new"), ANNA)
    await store.ping()
    assert await item_ids(store) == ["one", "two"]


@pytest.mark.anyio
async def test_locked_thread_leaves_the_others_alone(store_env: dict[str, str], lock: Lock) -> None:
    """Writes to a locked thread leave connections to others, and succeed once it is released."""
    url = store_env["DATABASE_URL"]
    settings = settings_for(url, database_timeout=PATIENT, database_connections="2")
    async with asyncio.timeout(30), open_store(settings) as store:
        await save_conversation(store)
        await store.save_thread(make_thread("thr_other"), ANNA)
        with lock(LOCK_THREAD):
            writes = [
                asyncio.create_task(store.save_item("thr_anna", make_message(f"{number}"), ANNA))
                for number in range(5)
            ]
            for number in range(10):
                await store.save_item("thr_other", make_message(f"{number}"), ANNA)
            assert not any(write.done() for write in writes)
        await asyncio.gather(*writes)
        assert len(await item_ids(store)) == 7


@pytest.mark.anyio
async def test_waiting_for_a_connection_can_be_cancelled(
    store_env: dict[str, str], lock: Lock
) -> None:
    """What has not begun ends at once; what has begun completes."""
    url = store_env["DATABASE_URL"]
    settings = settings_for(url, database_timeout=PATIENT, database_connections="1")
    async with asyncio.timeout(30), open_store(settings) as store:
        await save_conversation(store)
        with lock(LOCK_THREAD):
            begun = asyncio.create_task(store.save_item("thr_anna", make_message("new"), ANNA))
            waiting = asyncio.create_task(store.load_thread("thr_anna", ANNA))
            await asyncio.sleep(0.1)
            begun.cancel()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert not begun.done()
        with pytest.raises(asyncio.CancelledError):
            await begun
        assert await item_ids(store) == ["one", "two", "new"]


@pytest.mark.anyio
async def test_read_only_database_is_not_ready(store: ChatStore, store_env: dict[str, str]) -> None:
    """A replica, or a database whose provider stops writes when its disk is full, can be read."""
    await save_conversation(store)
    url = store_env["DATABASE_URL"] + "%20-cdefault_transaction_read_only%3Don"
    async with open_store(settings_for(url, app_env="production")) as replica:
        assert await item_ids(replica) == ["one", "two"]
        for call in (replica.ping(), replica.save_thread(make_thread("thr_new"), ANNA)):
            with pytest.raises(StoreUnavailableError, match="read-only"):
                await call


@pytest.mark.anyio
@pytest.mark.parametrize("table", sorted(metadata.tables))
async def test_missing_table_is_not_ready(
    store: ChatStore, store_env: dict[str, str], table: str
) -> None:
    """Each table is needed, even one that a request seldom uses."""
    with psycopg.connect(store_env["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"DROP TABLE {table} CASCADE".encode())
    with pytest.raises(StoreUnavailableError, match="table is missing"):
        await store.ping()


@pytest.mark.anyio
async def test_counters_can_be_reset(store: ChatStore) -> None:
    """All counters begin anew."""
    counters = store.counters()
    for key in ("anna", "anna", "bert"):
        await counters.incr(key, 60)
    assert await counters.reset() == 2
    assert await counters.get("anna") == 0
