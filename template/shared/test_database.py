"""The tables and their migrations."""

import asyncio
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from chatkit.types import HiddenContextItem, ThreadMetadata
from sqlalchemy import Connection, text

from app.base import RequestContext, StoreUnavailableError
from app.database.tables import metadata
from app.store import StoreSettings, create_writer, migrate, open_store

pytestmark = pytest.mark.anyio

ANNA = RequestContext(user_id="anna", request_id="req_1")
NOW = datetime(2026, 3, 29, 2, 30)


@pytest.fixture
def settings(store_env: dict[str, str]) -> StoreSettings:
    """Return the settings of an empty database, which the backend does not migrate itself."""
    fields = {name.lower(): value for name, value in store_env.items()}
    return StoreSettings.model_validate({**fields, "app_env": "production"})


async def execute(settings: StoreSettings, statement: str) -> None:
    """Run a statement that changes the database."""
    engine = create_writer(settings)
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def test_migrations_make_the_tables_of_the_code(settings: StoreSettings) -> None:
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
    """The command that writes new migrations takes the settings of the backend."""
    for arguments in (["upgrade", "head"], ["check"], ["downgrade", "base"]):
        ended = subprocess.run(
            [sys.executable, "-m", "alembic", *arguments],
            cwd=Path(__file__).parents[1],
            env=os.environ | store_env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr


async def test_production_waits_for_the_migration(settings: StoreSettings) -> None:
    """Without tables the store is not ready and says what to do; then it is, by itself."""
    async with open_store(settings) as store:
        with pytest.raises(StoreUnavailableError, match="no tables yet; run: python -m app migrat"):
            await store.ping()
        with pytest.raises(StoreUnavailableError):
            await store.load_threads(10, None, "desc", ANNA)
        await migrate(settings)
        await store.ping()


async def test_an_older_schema_is_not_ready(settings: StoreSettings) -> None:
    """A database that has gone back behind the first migration is out of date."""
    await migrate(settings)
    await execute(settings, "DELETE FROM alembic_version")
    async with open_store(settings) as store:
        with pytest.raises(StoreUnavailableError, match="out of date; run: python -m app migrate"):
            await store.ping()


async def test_a_newer_schema_is_ready(settings: StoreSettings) -> None:
    """While a new release is rolled out, the old one goes on serving."""
    await migrate(settings)
    await execute(settings, "UPDATE alembic_version SET version_num = 'of_tomorrow'")
    async with open_store(settings) as store:
        await store.ping()


async def test_processes_that_start_at_once_can_all_migrate(settings: StoreSettings) -> None:
    """Each takes its turn, and the later ones find nothing to do."""
    await asyncio.gather(*(migrate(settings) for _ in range(4)))
    async with open_store(settings) as store:
        await store.ping()


async def test_processes_can_write_into_one_thread_at_once(settings: StoreSettings) -> None:
    """No item is lost, and all see the same order."""
    await migrate(settings)
    async with open_store(settings) as one, open_store(settings) as other:
        await one.save_thread(ThreadMetadata(id="thr_1", created_at=NOW), ANNA)
        items = [
            HiddenContextItem(id=f"item_{number}", thread_id="thr_1", created_at=NOW, content="")
            for number in range(40)
        ]
        stores = [one, other] * 20
        await asyncio.gather(
            *(
                store.add_thread_item("thr_1", item, ANNA)
                for store, item in zip(stores, items, strict=True)
            )
        )
        page = await one.load_thread_items("thr_1", None, 100, "asc", ANNA)
        assert sorted(item.id for item in page.data) == sorted(item.id for item in items)
        assert page == await other.load_thread_items("thr_1", None, 100, "asc", ANNA)


async def test_a_stop_in_the_middle_of_a_write_blocks_nobody(settings: StoreSettings) -> None:
    """Whenever a task is cancelled, its transaction comes to an end."""
    await migrate(settings)
    async with open_store(settings) as store:
        await store.save_thread(ThreadMetadata(id="thr_1", created_at=NOW), ANNA)
        for steps in range(40):
            item = HiddenContextItem(
                id=f"item_{steps}", thread_id="thr_1", created_at=NOW, content=""
            )
            writing = asyncio.create_task(store.add_thread_item("thr_1", item, ANNA))
            for _ in range(steps):
                await asyncio.sleep(0)
            writing.cancel()
            await asyncio.wait([writing])
            async with asyncio.timeout(2):
                await store.save_item("thr_1", item, ANNA)
