"""Brings the database's tables up to date, and checks whether they are."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
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
FIX = "correct its down_revision: the migration that is meant may have that name as `formerly`"
"""What to do about a migration that follows one which does not exist."""
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
        StartupError: There is no newest migration, or the database has seen one that is unknown.
    """
    revisions = _revisions(SCRIPTS)
    if revisions.fault:
        raise StartupError(revisions.fault)
    if unknown := _recorded(connection) - revisions.names.keys():
        raise StartupError(
            f"The database has seen migration {min(unknown)}, which does not exist here; go back "
            f"with the code that has it: uv run alembic downgrade {revisions.newest}"
        )
    config = _config(SCRIPTS)
    config.attributes["connection"] = connection
    # The plural: a migration that another one depends on is also the head of its own branch.
    command.upgrade(config, "heads")


def adopt_names(connection: Connection, scripts: ScriptDirectory) -> None:
    """Record the migrations in the database under the names that they have now.

    Some had numbers, which users also choose for migrations of their own. In a database that has
    seen such a migration, the name is what the script has as `formerly`.
    """
    names = _former_names(scripts)
    for name in _recorded(connection) & names.keys():
        renaming = update(_versions).where(_versions.c.version_num == name)
        connection.execute(renaming.values(version_num=names[name]))


def require_revision(recorded: Collection[str]) -> None:
    """Return if the tables of a database are those that this code needs.

    Args:
        recorded: What the database's `alembic_version` contains.

    Raises:
        StoreUnavailableError: The tables are older, or there is no newest migration.
    """
    revisions = _revisions(SCRIPTS)
    if revisions.fault:
        raise StoreUnavailableError(revisions.fault)
    # A revision that this code does not know is newer: while a new release is rolled out,
    # the old one continues to serve.
    older = {name for name, revision in revisions.names.items() if revision != revisions.newest}
    if older.issuperset(recorded):
        raise StoreUnavailableError(f"The tables of the database are out of date; {MIGRATE}")


@dataclass(frozen=True, slots=True)
class _Revisions:
    """What the scripts of the migrations say.

    Attributes:
        names: Every revision by its name, and by its former name.
        newest: The revision that follows all others.
        fault: Why there is none, and what to do about it; otherwise nothing.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    newest: str = ""
    fault: str = ""


@cache
def _revisions(location: str) -> _Revisions:
    scripts = ScriptDirectory.from_config(_config(location))
    try:
        # Without those that another one depends on: they are older than that one.
        newest = sorted(scripts.get_heads(consider_depends_on=True))
    except KeyError as error:
        return _Revisions(fault=f"No migration is named {error}, but another one follows it; {FIX}")
    if len(newest) > 1:
        return _Revisions(fault=f"The migrations have {_listed(scripts, newest)}; {MERGE}")
    names = {script.revision: script.revision for script in scripts.walk_revisions()}
    return _Revisions(names | _former_names(scripts), newest[0])


def _former_names(scripts: ScriptDirectory) -> dict[str, str]:
    """Return revisions by their former names, unless another migration has that name now."""
    all_scripts = list(scripts.walk_revisions())
    former = {getattr(script.module, "formerly", None): script.revision for script in all_scripts}
    taken = {script.revision for script in all_scripts}
    return {name: revision for name, revision in former.items() if name and name not in taken}


def _listed(scripts: ScriptDirectory, heads: list[str]) -> str:
    files = [Path(scripts.get_revision(head).path).name for head in heads]
    *others, last = (f"{head} ({file})" for head, file in zip(heads, files, strict=True))
    return f"{len(heads)} heads, {', '.join(others)} and {last}"


def _recorded(connection: Connection) -> set[str]:
    return set(MigrationContext.configure(connection).get_current_heads())


def _config(location: str) -> Config:
    config = Config()
    config.set_main_option("script_location", location)
    return config


def _one_line(error: BaseException | None) -> str:
    return " ".join(str(error).split())
