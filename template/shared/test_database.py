"""The tables and their migrations."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from app.base import StoreUnavailableError
from app.database.tables import metadata
from app.store import StoreSettings, create_writer, migrate, open_store
from tests.store.samples import ANNA

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(store_env: dict[str, str]) -> StoreSettings:
    """Return the settings of an empty database that the backend does not migrate at its start."""
    fields = {name.lower(): value for name, value in store_env.items()}
    return StoreSettings.model_validate({**fields, "app_env": "production"})


async def execute(settings: StoreSettings, statement: str) -> None:
    """Run a statement that changes the database."""
    engine = create_writer(settings)
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def test_migrations_create_the_tables_of_the_code(settings: StoreSettings) -> None:
    """`app/database/tables.py` has no change for which a migration is missing."""

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    await migrate(settings)
    engine = create_writer(settings)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


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
    await execute(settings, "DELETE FROM alembic_version")
    async with open_store(settings) as store:
        with pytest.raises(StoreUnavailableError, match="out of date; run: python -m app migrate"):
            await store.ping()


async def test_newer_schema_is_ready(settings: StoreSettings) -> None:
    """While a new release is rolled out, the old one keeps working."""
    await migrate(settings)
    await execute(settings, "UPDATE alembic_version SET version_num = 'of_tomorrow'")
    async with open_store(settings) as store:
        await store.ping()


async def test_processes_that_start_at_once_all_migrate(settings: StoreSettings) -> None:
    """They take turns, and the later ones find nothing to do."""
    await asyncio.gather(*(migrate(settings) for _ in range(4)))
    async with open_store(settings) as store:
        await store.ping()
