"""Runs the migrations: for `python -m app migrate`, or for the `alembic` command."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from app.database.tables import metadata
from app.store import StoreSettings, create_writer


def run(connection: Connection) -> None:
    """Run the migrations on an open connection."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        # Where ALTER TABLE can do little, changes are written as "copy and move".
        render_as_batch=not connection.dialect.supports_alter,
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_run() -> None:
    """Run the migrations on the database of the settings."""
    engine = create_writer(StoreSettings())
    async with engine.begin() as connection:
        await connection.run_sync(run)
    await engine.dispose()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(connect_and_run())
