"""Brings the database's tables up to date, and checks whether they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from app.base import StoreUnavailableError
from app.errors import StartupError

MIGRATE = "run: python -m app migrate"
"""What to do about missing or old tables."""


@contextmanager
def migration(engine: Engine) -> Iterator[Connection]:
    """Open the transaction that the tables are changed in.

    Raises:
        StartupError: The database cannot be reached, or its tables cannot be changed.
    """
    with startup_errors(), engine.begin() as connection:
        yield connection


@contextmanager
def startup_errors() -> Iterator[None]:
    """Translate the driver's errors.

    Raises:
        StartupError: The database cannot be used.
    """
    try:
        yield
    except DBAPIError as error:
        # Only the driver's own message: SQLAlchemy adds the statement and a link.
        raise StartupError(f"DATABASE_URL: {_one_line(error.orig)}") from error
    except (CommandError, OSError) as error:
        raise StartupError(f"DATABASE_URL: {_one_line(error)}") from error


def upgrade(connection: Connection) -> None:
    """Run the migrations that the database has not seen, in the open transaction."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def require_revision(revision: str | None) -> None:
    """Return if the tables of a revision are those that this code needs.

    Args:
        revision: What the database's `alembic_version` contains, if anything.

    Raises:
        StoreUnavailableError: The tables are older.
    """
    # A revision that this code does not know is newer: while a new release is rolled out,
    # the old one continues to serve.
    if revision is None or revision in _outdated():
        raise StoreUnavailableError(f"The tables of the database are out of date; {MIGRATE}")


@cache
def _outdated() -> frozenset[str]:
    """Return all revisions but the newest."""
    scripts = ScriptDirectory.from_config(_config())
    newest = scripts.get_current_head()
    return frozenset(script.revision for script in scripts.walk_revisions()) - {newest}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "app.database:migrations")
    return config


def _one_line(error: BaseException | None) -> str:
    return " ".join(str(error).split())
