"""Runs the migrations: for `python -m app migrate`, or for the `alembic` command."""

from importlib import import_module

from alembic import context
from sqlalchemy import Connection

from app.database.schema import adopt_names
from app.database.tables import metadata
from app.store import StoreSettings, create_engine

# Wherever a table is defined, it is known when the whole backend has been imported.
import_module("app.main")


def run(connection: Connection) -> None:
    """Run the migrations on an open connection."""
    adopt_names(connection, context.script)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        # Where ALTER TABLE can do little, changes are written as "copy and move".
        render_as_batch=not connection.dialect.supports_alter,
    )
    with context.begin_transaction():
        context.run_migrations()


def connect_and_run() -> None:
    """Run the migrations on the database of the settings."""
    with create_engine(StoreSettings()).begin() as connection:
        run(connection)


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    connect_and_run()
