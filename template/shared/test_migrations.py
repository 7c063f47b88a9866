"""Migrations that come together: of this project, and of an update."""

import asyncio
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command as alembic
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from app.base import StoreUnavailableError
from app.database import schema
from app.errors import StartupError
from app.store import StoreSettings, create_engine, migrate, open_store

pytestmark = pytest.mark.anyio

PROJECT = Path(__file__).parents[2]
FOLDER = Path("app/database/migrations")
SCRIPT = '''"""Create a table."""

import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {follows!r}
branch_labels = {label!r}
depends_on = {needs!r}
formerly = {formerly!r}


def upgrade() -> None:
    """Create it."""
    op.create_table(revision, sa.Column("seq", sa.Integer, primary_key=True))


def downgrade() -> None:
    """Drop it."""
    op.drop_table(revision)
'''


class Migrations:
    """A copy of the project's migrations that others can be added to."""

    def __init__(self, project: Path) -> None:
        self.project = project
        shutil.copytree(PROJECT / FOLDER, project / FOLDER)
        shutil.copy(PROJECT / "pyproject.toml", project)
        self.config = Config()
        self.config.set_main_option("script_location", str(project / FOLDER))
        self.newest = ScriptDirectory.from_config(self.config).get_current_head()

    def add(
        self,
        revision: str,
        follows: str | tuple[str, ...] | None,
        *,
        label: str | None = None,
        needs: str | None = None,
        formerly: str | None = None,
    ) -> None:
        """Add a migration that creates a table of its name."""
        script = SCRIPT.format(
            revision=revision, follows=follows, label=label, needs=needs, formerly=formerly
        )
        (self.project / FOLDER / "versions" / f"{revision}_table.py").write_text(script)

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the backend use them, as they are now."""
        # In a folder of their own, since a process reads them once.
        name = f"scripts{len(list(self.project.iterdir()))}"
        shutil.copytree(self.project / FOLDER, self.project / name)
        self.config.set_main_option("script_location", str(self.project / name))
        monkeypatch.setattr(schema, "SCRIPTS", str(self.project / name))

    def run(self, *command: str) -> None:
        """Run a module as in the project's folder."""
        subprocess.run([sys.executable, "-m", *command], cwd=self.project, check=True)

    def upgrade(self, settings: StoreSettings, revision: str) -> None:
        """Bring the tables to a revision, as the `alembic` command does."""
        with create_engine(settings).begin() as connection:
            self.config.attributes["connection"] = connection
            alembic.upgrade(self.config, revision)


@pytest.fixture
def migrations(tmp_path: Path) -> Migrations:
    """Return a copy of the project's migrations."""
    return Migrations(tmp_path)


@pytest.fixture
def settings(store_env: dict[str, str]) -> StoreSettings:
    """Return the settings of an empty database that the backend does not migrate at its start."""
    fields = {name.lower(): value for name, value in store_env.items()}
    return StoreSettings.model_validate({**fields, "app_env": "production"})


def recorded(settings: StoreSettings) -> list[str]:
    """Return what `alembic_version` contains."""
    with create_engine(settings).connect() as connection:
        return list(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())


def record(settings: StoreSettings, revision: str) -> None:
    """Change what `alembic_version` contains."""
    with create_engine(settings).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})


def tables(settings: StoreSettings) -> set[str]:
    """Return the names of all tables."""
    with create_engine(settings).connect() as connection:
        return set(inspect(connection).get_table_names())


async def require_ready(settings: StoreSettings) -> None:
    """Raise `StoreUnavailableError` if the tables are not those that the code needs."""
    async with open_store(settings) as store:
        await store.ping()


async def test_two_newest_migrations_are_merged_as_the_error_says(
    settings: StoreSettings, migrations: Migrations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither comes first, until the command in the error's sentence has been run."""
    migrations.add("mine", migrations.newest)
    migrations.use(monkeypatch)
    await migrate(settings)
    migrations.add("theirs", migrations.newest)
    migrations.use(monkeypatch)
    heads = r"have 2 heads, mine \(mine_table.py\) and theirs \(theirs_table.py\); run: uv run "
    with pytest.raises(StoreUnavailableError, match=heads):
        await require_ready(settings)
    with pytest.raises(StartupError, match=heads) as caught:
        await migrate(settings)
    assert "theirs" not in tables(settings)
    merge = shlex.split(str(caught.value).partition("; run: uv run ")[2])
    await asyncio.to_thread(migrations.run, *merge)
    migrations.use(monkeypatch)
    with pytest.raises(StoreUnavailableError, match="out of date"):
        await require_ready(settings)
    await migrate(settings)
    assert {"mine", "theirs"} <= tables(settings)
    await require_ready(settings)


def test_merge_leaves_nothing_to_tidy_up(migrations: Migrations) -> None:
    """The file that Alembic writes passes the project's own rules."""
    migrations.add("mine", migrations.newest)
    migrations.add("theirs", migrations.newest)
    migrations.run("alembic", "merge", "heads", "-m", "merge")
    (merge,) = migrations.project.rglob("*_merge.py")
    migrations.run("ruff", "check", str(merge))
    migrations.run("ruff", "format", "--check", str(merge))


async def test_migration_beside_the_others_is_no_branch(
    settings: StoreSettings, migrations: Migrations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has a beginning of its own, and depends on the newest, is the newest itself."""
    migrations.add("mine", None, label="own", needs=migrations.newest)
    migrations.use(monkeypatch)
    await migrate(settings)
    await require_ready(settings)
    migrations.add("next", "mine")
    migrations.use(monkeypatch)
    with pytest.raises(StoreUnavailableError, match="out of date"):
        await require_ready(settings)
    await migrate(settings)
    await require_ready(settings)
    assert {"mine", "next", "threads"} <= tables(settings)


async def test_former_name_is_recognised(
    settings: StoreSettings, migrations: Migrations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that recorded it is as far as the migration that had it."""
    migrations.add("hash", migrations.newest, formerly="number")
    migrations.use(monkeypatch)
    await migrate(settings)
    record(settings, "number")
    await require_ready(settings)
    migrations.add("next", "hash")
    migrations.use(monkeypatch)
    with pytest.raises(StoreUnavailableError, match="out of date"):
        await require_ready(settings)
    await migrate(settings)
    assert recorded(settings) == ["next"]
    await require_ready(settings)


async def test_former_name_that_another_migration_has_is_that_one(
    settings: StoreSettings, migrations: Migrations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that has seen the other one still needs the one that was renamed."""
    migrations.add("hash", migrations.newest, formerly="number")
    migrations.add("number", migrations.newest)
    migrations.add("merged", ("hash", "number"))
    migrations.use(monkeypatch)
    migrations.upgrade(settings, "number")
    assert recorded(settings) == ["number"]
    with pytest.raises(StoreUnavailableError, match="out of date"):
        await require_ready(settings)
    await migrate(settings)
    assert {"hash", "number", "merged"} <= tables(settings)
    await require_ready(settings)


async def test_missing_predecessor_is_named(
    settings: StoreSettings, migrations: Migrations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration that follows one by its former name is corrected by hand."""
    migrations.add("hash", migrations.newest, formerly="number")
    migrations.use(monkeypatch)
    await migrate(settings)
    migrations.add("mine", "number")
    migrations.use(monkeypatch)
    with (
        pytest.warns(UserWarning, match="number referenced from"),
        pytest.raises(StartupError, match="is named 'number', but another one follows it"),
    ):
        await migrate(settings)
    with pytest.raises(StoreUnavailableError, match="correct its down_revision"):
        await require_ready(settings)


async def test_unknown_migration_is_taken_back_by_its_own_code(
    settings: StoreSettings, migrations: Migrations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code before cannot know what it changed, and does nothing."""
    migrations.add("later", migrations.newest)
    migrations.use(monkeypatch)
    await migrate(settings)
    monkeypatch.undo()
    with pytest.raises(StartupError, match=rf"later, .*alembic downgrade {migrations.newest}$"):
        await migrate(settings)
    assert recorded(settings) == ["later"]
