"""A user's own migration, when the template's are in another folder."""

from pathlib import Path

import pytest

from tests.update.three_sides import Result, merge_files

pytestmark = pytest.mark.quick

OLD, NEW = "app/migrations/versions", "app/database/migrations/versions"
INITIAL = "revision = '0001'\n"
MOVED = {f"{OLD}/0001_initial.py": f"{NEW}/0001_initial.py", "app/old.py": "app/parts/new.py"}


def merged(tmp_path: Path, own: dict[str, str], new: dict[str, str] | None = None) -> Result:
    """Merge files of the user's own into a template that moves its migrations."""
    base = {f"{OLD}/0001_initial.py": INITIAL, "app/old.py": "one = 1\n"}
    theirs = {f"{NEW}/0001_initial.py": INITIAL, "app/parts/new.py": "one = 1\n", **(new or {})}
    return merge_files(tmp_path, base, {**base, **own}, theirs, moved=MOVED)


def test_it_moves_with_the_others(tmp_path: Path) -> None:
    """Alembic reads one folder; the report names the move."""
    result = merged(tmp_path, {f"{OLD}/own.py": "revision = 'own'\n"})

    assert result.files[f"{NEW}/own.py"] == "revision = 'own'\n"
    assert f"{OLD}/own.py" not in result.files
    assert (f"{OLD}/own.py", f"{NEW}/own.py", "template") in result.renamed()
    assert result.lists()["kept"] == [f"{NEW}/own.py"]
    assert result.conflicts == []


def test_other_files_stay(tmp_path: Path) -> None:
    """Also those beside a module that moves, and in the folder above."""
    own = {"app/mine.py": "mine = 1\n", "app/migrations/notes.txt": "mine\n"}

    result = merged(tmp_path, own)

    assert own.items() <= result.files.items()


def test_it_replaces_no_file(tmp_path: Path) -> None:
    """It stays if the template has a file of this name."""
    own, new = {f"{OLD}/own.py": "mine = 1\n"}, {f"{NEW}/own.py": "theirs = 1\n"}

    result = merged(tmp_path, own, new)

    assert {**own, **new}.items() <= result.files.items()
