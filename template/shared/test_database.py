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

from app.base import StoreUnavailableError
from app.database.tables import metadata
from app.store import StoreSettings, create_engine, migrate, open_store
from tests.store.samples import ANNA, make_thread

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
