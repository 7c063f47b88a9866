"""Migrations after a merge."""

from pathlib import Path
from typing import Any

import pytest

from chatkit_scaffold.update.migrations import migrations
from tests.update.merges import LABEL, Contents, Fixed, fixed, tree_of

pytestmark = pytest.mark.quick

FOLDER = "app/database/migrations/versions"
IDS = {"0002": "3f2a5b6c7d8e"}


def script(revision: str, down: str | None, **more: Any) -> str:
    """Return a migration."""
    lines = {"revision": revision, "down_revision": down, **more}
    return "".join(f"{name} = {value!r}\n" for name, value in lines.items())


INITIAL = {f"{FOLDER}/0001_initial.py": script("0001", None)}
BEFORE = {**INITIAL, f"{FOLDER}/0002_titles.py": script("0002", "0001")}
AFTER = {**INITIAL, f"{FOLDER}/titles.py": script(IDS["0002"], "0001")}


def with_own(tmp_path: Path, before: Contents, after: Contents, own: Contents) -> Fixed:
    """Fix the user's own migrations after the template changed from *before* to *after*."""
    return fixed(
        tmp_path,
        base=before,
        theirs=after,
        ours={**before, **own},
        merged={**after, **own},
        migrations=IDS,
    )


@pytest.mark.parametrize(
    ("own", "after"),
    [
        (script("ab", "0002"), script("ab", IDS["0002"])),
        ('revision: str = "ab"\r\ndown_revision = "0002" # why', None),
        (script("ab", "0001", depends_on="0002"), script("ab", "0001", depends_on=IDS["0002"])),
        ("revision = 'ab'\ndown_revision = ('0001', '0002')\n", None),
        ("revision = 'ab'\ndown_revision: str | None = ['0002']\ndepends_on = None\n", None),
    ],
)
def test_own_migrations_follow_the_new_id(tmp_path: Path, own: str, after: str | None) -> None:
    """A release changed the id of the migration that the user's own follows."""
    result = with_own(tmp_path, BEFORE, AFTER, {f"{FOLDER}/mine.py": own})

    expected = after or own.replace("0002", IDS["0002"])
    assert result.read(f"{FOLDER}/mine.py").decode() == expected
    line = 1 + expected[: expected.index(IDS["0002"])].count("\n")
    assert result.merged.imports == (f"{FOLDER}/mine.py:{line}: 0002 -> {IDS['0002']}",)
    assert result.merged.notices == ()


@pytest.mark.parametrize(
    "own",
    [
        {f"{FOLDER}/0002_mine.py": script("0002", "0001")},
        {f"{FOLDER}/a.py": script("0002", "0001"), f"{FOLDER}/b.py": script("ab", "0002")},
    ],
)
def test_an_old_id_may_be_that_of_ones_own_migration(tmp_path: Path, own: Contents) -> None:
    """Users of the first release number their own migrations on; nothing is rewritten."""
    result = with_own(tmp_path, INITIAL, AFTER, own)

    assert result.merged.imports == ()
    assert result.merged.conflicts == ()
    assert result.merged.tree == tree_of(result.repository, {**AFTER, **own})


def test_two_heads_are_reported_with_the_command_that_merges_them(tmp_path: Path) -> None:
    """The user's migration and a new one follow the same one."""
    own = {f"{FOLDER}/mine.py": script("ab", "0001")}

    (notice,) = with_own(tmp_path, INITIAL, AFTER, own).merged.notices
    heads = f"ab ({FOLDER}/mine.py) and {IDS['0002']} ({FOLDER}/titles.py)"
    merge = 'merge them with "uv run alembic merge heads -m merge", then run python -m app migrate'
    assert notice == f"the migrations have two heads, {heads}: {merge}"


@pytest.mark.parametrize(
    "own",
    [
        {"mine.py": script("ab", "0002")},
        {
            "mine.py": script("ab", "0001"),
            "merge.py": "revision = 'm'\ndown_revision = 'ab', '0002'",
        },
        {"mine.py": script("ab", None, depends_on="0002", branch_labels=("b",))},
        {"mine.py": "revision = 'ab'\ndown_revision = newest()\n"},
        {"mine.py": "revision = 'ab'\ndown_revision = ('0001', newest())\n"},
        {"mine.py": "revision = f'{1}'\ndown_revision = '0001'\n"},
        {"mine.py": "no Python\n"},
        {"below/mine.py": script("ab", "0001")},
        {"__init__.py": ""},
        {"readme.txt": ""},
        {"one.py": script("a", "0002"), "two.py": script("b", "0002")},
    ],
)
def test_what_may_be_right_is_not_reported(tmp_path: Path, own: Contents) -> None:
    """One head, ids that only running the script would tell, and heads from before."""
    own = {f"{FOLDER}/{name}": content for name, content in own.items()}

    assert with_own(tmp_path, BEFORE, AFTER, own).merged.notices == ()


def test_a_third_head_is_reported(tmp_path: Path) -> None:
    """Two were there before."""
    own = {f"{FOLDER}/one.py": script("a", "0001"), f"{FOLDER}/two.py": script("b", "0001")}
    (notice,) = with_own(tmp_path, INITIAL, AFTER, own).merged.notices

    assert notice.startswith("the migrations have three heads, ")


def test_a_database_has_to_leave_what_is_gone(tmp_path: Path) -> None:
    """Another choice does without a table; its migration follows one that stays."""
    records = {f"{FOLDER}/records.py": script("cd", "0002")}

    result = fixed(
        tmp_path,
        base={**BEFORE, **records},
        theirs=AFTER,
        ours={**BEFORE, **records},
        merged=AFTER,
        migrations=IDS,
    )

    (notice,) = result.merged.notices
    assert notice == (
        f"cd ({FOLDER}/records.py) is gone: a database that has seen it goes back with the code of "
        "your own branch, which deletes what was added: uv run alembic downgrade 0002"
    )


@pytest.mark.parametrize("after", [AFTER, {"app/store.py": "import redis\n"}])
def test_nothing_is_gone_under_another_name_or_with_the_store(
    tmp_path: Path, after: Contents
) -> None:
    """A renamed migration is still there, and another store has another database."""
    result = fixed(tmp_path, base=BEFORE, theirs=after, ours=BEFORE, merged=after, migrations=IDS)

    assert result.merged.notices == ()


def test_own_migrations_may_remain_when_the_store_is_gone(tmp_path: Path) -> None:
    """They are the user's files; the new store has no database that could go back."""
    own = {f"{FOLDER}/mine.py": script("ab", "0002")}

    result = fixed(
        tmp_path, base=BEFORE, theirs={}, ours={**BEFORE, **own}, merged=own, migrations=IDS
    )

    assert result.merged.notices == ()


def test_the_same_id_twice_is_a_conflict(tmp_path: Path) -> None:
    """The suggestion is a free id for the user's own."""
    own = {f"{FOLDER}/mine.py": "revision = '3f2a5b6c7d8e' # mine\ndown_revision = '0001'\n"}
    result = with_own(tmp_path, INITIAL, AFTER, own)

    assert [each.as_text() for each in result.merged.conflicts] == [
        f"{FOLDER}/mine.py:1: has the revision id 3f2a5b6c7d8e, as {FOLDER}/titles.py has"
    ]
    suggestion = result.stage(f"{FOLDER}/mine.py", 3)
    assert suggestion.endswith("\" # mine\ndown_revision = '0001'\n")
    (one,) = migrations([f"{FOLDER}/mine.py"], lambda _: suggestion.encode()).revisions
    assert one not in (*IDS.values(), "0001")
    assert f">>>>>>> {LABEL}" in result.read(f"{FOLDER}/mine.py").decode()


def test_the_same_id_twice_from_before_is_the_users(tmp_path: Path) -> None:
    """It does not come from the update."""
    own = {f"{FOLDER}/{name}.py": script("ab", "0002") for name in ("one", "two")}

    assert with_own(tmp_path, BEFORE, AFTER, own).merged.conflicts == ()
