"""Brings the database's tables up to date, and checks whether they are."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, column, table, update
from sqlalchemy.exc import DBAPIError

from app.base import StoreUnavailableError
from app.errors import StartupError

MIGRATE = "run: python -m app migrate"
"""What to do about missing or old tables."""
MERGE = "run: uv run alembic merge heads -m merge"
"""What to do about several migrations of which none follows the other."""
SCRIPTS = "app.database:migrations"
"""Where the migrations are."""

_versions = table("alembic_version", column("version_num"))


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
    """Run the migrations that the database has not seen, in the open transaction.

    Raises:
        StartupError: Two migrations are the newest.
    """
    config = _config()
    if branches := _branches(ScriptDirectory.from_config(config)):
        raise StartupError(branches)
    config.attributes["connection"] = connection
    # The singular would refuse a migration of a branch of its own that another depends on.
    command.upgrade(config, "heads")


def adopt_names(connection: Connection, scripts: ScriptDirectory) -> None:
    """Record the migrations in the database by the names that they have now.

    Numbers, which everyone would choose for migrations of their own, became hashes. The database
    may still have the old name of a migration, which is in its script as `formerly`.
    """
    names = _former_names(scripts)
    for recorded in MigrationContext.configure(connection).get_current_heads():
        if recorded in names:
            named = update(_versions).where(_versions.c.version_num == recorded)
            connection.execute(named.values(version_num=names[recorded]))


def require_revision(recorded: Collection[str]) -> None:
    """Return if the tables of a database are those that this code needs.

    Args:
        recorded: What the database's `alembic_version` contains.

    Raises:
        StoreUnavailableError: The tables are older, or two migrations are the newest.
    """
    known = _known_revisions()
    if known.branches:
        raise StoreUnavailableError(known.branches)
    # A revision that this code does not know is newer: while a new release is rolled out,
    # the old one continues to serve.
    if known.outdated.issuperset(recorded):
        raise StoreUnavailableError(f"The tables of the database are out of date; {MIGRATE}")


@dataclass(frozen=True, slots=True)
class _Revisions:
    """What the scripts of the migrations say.

    Attributes:
        outdated: All revisions but the newest, also by their former names.
        branches: What to do about several that are the newest, or nothing.
    """

    outdated: frozenset[str]
    branches: str


@cache
def _known_revisions() -> _Revisions:
    scripts = ScriptDirectory.from_config(_config())
    newest = set(scripts.get_heads(consider_depends_on=True))
    names = {script.revision: script.revision for script in scripts.walk_revisions()}
    names |= _former_names(scripts)
    outdated = {name for name, revision in names.items() if revision not in newest}
    return _Revisions(frozenset(outdated), _branches(scripts))


def _former_names(scripts: ScriptDirectory) -> dict[str, str]:
    """Return revisions by their former names, unless another migration has that name now."""
    revisions = list(scripts.walk_revisions())
    former = {getattr(script.module, "formerly", None): script.revision for script in revisions}
    taken = {script.revision for script in revisions}
    return {name: revision for name, revision in former.items() if name and name not in taken}


def _branches(scripts: ScriptDirectory) -> str:
    """Return what to do if several migrations are the newest, and otherwise nothing."""
    # One that another depends on is older than that one, even without an order between them.
    newest = sorted(scripts.get_heads(consider_depends_on=True))
    if len(newest) <= 1:
        return ""
    named = [f"{name} ({Path(scripts.get_revision(name).path).name})" for name in newest]
    listed = f"{', '.join(named[:-1])} and {named[-1]}"
    return f"The migrations have {len(named)} heads, {listed}; {MERGE}"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    return config


def _one_line(error: BaseException | None) -> str:
    return " ".join(str(error).split())
