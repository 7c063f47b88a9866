"""The tables and their migrations."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Executable, column, insert, table, text

from app.base import ChatStore, StoreUnavailableError
from app.database import transfer
from app.database.tables import metadata
from app.errors import StartupError
from app.sections import open_sections
from app.store import StoreSettings, create_engine, migrate, open_store
from tests.store.samples import ANNA, item_ids, make_message, make_thread
from tests.store.test_transfer import RATED, export, load, make_file, odd_title

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(store_env: dict[str, str]) -> StoreSettings:
    """Return the settings of an empty database that the backend does not migrate at its start."""
    fields = {name.lower(): value for name, value in store_env.items()}
    return StoreSettings.model_validate({**fields, "app_env": "production"})


def execute(settings: StoreSettings, statement: Executable) -> None:
    """Run a statement that changes the database."""
    with create_engine(settings).begin() as connection:
        connection.execute(statement)


async def test_migrations_create_the_tables_of_the_code(settings: StoreSettings) -> None:
    """`app/database/tables.py` has no change for which a migration is missing."""

    await migrate(settings)
    with create_engine(settings).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def revise(settings: StoreSettings, run: Callable[[Config, str], object], revision: str) -> None:
    """Bring the tables to a revision with one of Alembic's commands."""
    config = Config()
    config.set_main_option("script_location", "app.database:migrations")
    with create_engine(settings).begin() as connection:
        config.attributes["connection"] = connection
        run(config, revision)


async def stored_titles(settings: StoreSettings) -> dict[str, str | None]:
    """Return the titles of Anna's threads by their ids."""
    async with open_store(settings) as store:
        page = await store.load_threads(100, None, "asc", ANNA)
    return {thread.id: thread.title for thread in page.data}


def test_the_alembic_command_finds_the_database(store_env: dict[str, str]) -> None:
    """The command that writes new migrations uses the settings of the backend."""
    for arguments in (["upgrade", "head"], ["check"], ["downgrade", "base"]):
        ended = subprocess.run(
            [sys.executable, "-m", "alembic", *arguments],
            cwd=Path(__file__).parents[2],
            env=os.environ | store_env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr


async def test_production_waits_for_the_migration(settings: StoreSettings) -> None:
    """Until `migrate` has run, the store is not ready and the reason names the command."""
    async with open_store(settings) as store:
        with pytest.raises(StoreUnavailableError, match="no tables yet; run: python -m app migrat"):
            await store.ping()
        with pytest.raises(StoreUnavailableError):
            await store.load_threads(10, None, "desc", ANNA)
        await migrate(settings)
        await store.ping()


async def test_older_schema_is_not_ready(settings: StoreSettings) -> None:
    """A database without the newest migration is out of date."""
    await migrate(settings)
    execute(settings, text("DELETE FROM alembic_version"))
    async with open_store(settings) as store:
        with pytest.raises(StoreUnavailableError, match="out of date; run: python -m app migrate"):
            await store.ping()


async def test_newer_schema_is_ready(settings: StoreSettings) -> None:
    """While a new release is rolled out, the old one keeps working."""
    await migrate(settings)
    execute(settings, text("UPDATE alembic_version SET version_num = 'of_tomorrow'"))
    async with open_store(settings) as store:
        await store.ping()


async def test_titles_are_moved_to_their_column(settings: StoreSettings) -> None:
    """A migration keeps the titles of the threads that are stored, in both directions."""
    titles = {"thr_1": "Trip", "thr_2": None, "thr_3": "", "thr_4": "Gr\0üße: %s"}
    old_threads = table("threads", column("id"), column("user_id"), column("payload"))
    revise(settings, command.upgrade, "0001")
    for thread_id, title in titles.items():
        payload = make_thread(thread_id, title).model_dump_json()
        values = {"id": thread_id, "user_id": "anna", "payload": payload}
        execute(settings, insert(old_threads).values(values))
    await migrate(settings)
    expected = {**titles, "thr_4": "Grüße: %s"}
    assert await stored_titles(settings) == expected
    async with open_store(settings) as store:
        await store.rename_thread("thr_1", "Renamed", ANNA)
    revise(settings, command.downgrade, "0001")
    await migrate(settings)
    assert await stored_titles(settings) == {**expected, "thr_1": "Renamed"}


async def test_processes_that_start_at_once_all_migrate(settings: StoreSettings) -> None:
    """They take turns, and the later ones find nothing to do."""
    await asyncio.gather(*(migrate(settings) for _ in range(4)))
    async with open_store(settings) as store:
        await store.ping()


async def test_export_is_of_one_moment(
    store: ChatStore, store_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written during an export is not in it, and does not wait for its end."""
    monkeypatch.setattr(transfer, "ROWS", 1)
    for name in ("thr_anna", "thr_other"):
        await store.save_thread(make_thread(name), ANNA)
    before = await export(store_env)
    settings = StoreSettings.model_validate({name.lower(): store_env[name] for name in store_env})
    async with open_sections(settings) as sections:
        entries = sections[0].dump()
        lines = [(await anext(entries)).line()]
        await store.add_thread_item("thr_other", make_message("new", "", "thr_other"), ANNA)
        await store.delete_thread("thr_anna", ANNA)
        lines += [entry.line() async for entry in entries]
    assert lines == before.splitlines(keepends=True)[1:-1]


async def test_import_keeps_the_time_of_feedback(
    store: ChatStore, store_env: dict[str, str]
) -> None:
    """The export of an import has it again; a NUL in a title is lost, and counted."""
    outcome = await load(store_env, make_file(odd_title("a\0b"), *RATED))
    assert outcome.lost == {"thread title": 1}
    assert await item_ids(store) == ["1", "2"]
    assert await export(store_env) == make_file(odd_title("ab"), *RATED)


async def test_batch_is_imported_as_a_whole(store: ChatStore, store_env: dict[str, str]) -> None:
    """Of a batch with an item that has no thread, nothing is stored."""
    file = make_file(odd_title("New"), *RATED[:1], RATED[1].model_copy(update={"thread": "x"}))
    with pytest.raises(StartupError, match=r"DATABASE_URL: .*(?i:foreign key)"):
        await load(store_env, file)
    assert len((await export(store_env)).splitlines()) == 2


async def test_export_needs_tables(settings: StoreSettings) -> None:
    """A database without tables is named as such."""
    async with open_sections(settings) as sections:
        with pytest.raises(StartupError, match=r"DATABASE_URL: .*threads"):
            await anext(sections[0].dump())
