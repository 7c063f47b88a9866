"""References after a real merge, in the places where projects are."""

from pathlib import Path

import pytest

from chatkit_scaffold.update.merge import merge
from chatkit_scaffold.update.outcome import Merged
from chatkit_scaffold.update.references import fix_references
from chatkit_scaffold.update.repository import Repository
from chatkit_scaffold.update.trees import Trees
from tests.command import git
from tests.update.merges import LABEL, write

TEXT = "".join(f"def part_{number}() -> int:\n    return {number}\n\n\n" for number in range(9))
BASE = {
    "app/__init__.py": "",
    "app/text.py": TEXT,
    "app/main.py": "from app.text import part_1\n\nprint(part_1())\n",
    "app/old.py": "".join(f"LINE_{number} = {number}\n" for number in range(9)),
}
THEIRS = {
    "app/__init__.py": "",
    "app/words.py": TEXT.replace("return 8", "return 80"),
    "app/main.py": "from app.words import part_1\n\nprint(part_1())\n",
    "app/old.py": BASE["app/old.py"],
    "app/late.py": "from app.old import LINE_1\n",
}
OURS = {
    "app/__init__.py": "",
    "app/text.py": TEXT.replace("return 1", "return 10"),
    "app/main.py": BASE["app/main.py"],
    "app/lines.py": BASE["app/old.py"],
    "app/mine.py": "import app.lines\nfrom app.text import part_2\n\nprint(app.lines, part_2)\n",
}


@pytest.fixture(params=["", "services/my bot"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    """A repository with the user's project, at its top or below."""
    root = tmp_path / "repository"
    git(tmp_path, "init", "--quiet", "repository")
    folder = root / request.param
    folder.parent.mkdir(parents=True, exist_ok=True)
    write(folder, OURS)
    git(root, "add", "--all")
    git(root, "-c", "user.name=u", "-c", "user.email=u@localhost", "commit", "-q", "-m", "ours")
    return Repository(root, request.param)


def updated(repository: Repository, tmp_path: Path) -> Merged:
    """Merge and fix the references."""
    sides = {"base": tmp_path / "base", "theirs": tmp_path / "theirs"}
    write(sides["base"], BASE)
    write(sides["theirs"], THEIRS)
    ours = repository.git("rev-parse", f"HEAD:{repository.prefix}")
    merged = merge(repository, ours, *sides.values(), moved={}, label=LABEL)
    return fix_references(repository, ours, merged, **sides, moved={}, migrations={}, label=LABEL)


def test_both_sides_follow_the_renames_of_the_other(repository: Repository, tmp_path: Path) -> None:
    """The user's file names the template's module, and the template's file the user's."""
    merged = updated(repository, tmp_path)

    trees = Trees(repository)
    entries = trees.read(merged.tree)
    contents = trees.contents(entry.oid for entry in entries.values())
    files = {path: contents[entry.oid].decode() for path, entry in entries.items()}
    assert files == {
        "app/__init__.py": "",
        "app/words.py": TEXT.replace("return 1", "return 10").replace("return 8", "return 80"),
        "app/main.py": THEIRS["app/main.py"],
        "app/lines.py": BASE["app/old.py"],
        "app/late.py": "from app.lines import LINE_1\n",
        "app/mine.py": OURS["app/mine.py"].replace("app.text", "app.words"),
    }
    assert merged.imports == (
        "app/late.py:1: app.old -> app.lines",
        "app/mine.py:2: app.text -> app.words",
    )
    assert merged.conflicts == ()


def test_a_dry_run_leaves_no_object(repository: Repository, tmp_path: Path) -> None:
    """It finds the same, and the repository stays as it was."""
    before = git(repository.root, "count-objects", "-v")
    with repository.quarantined() as quarantined:
        dry = updated(quarantined, tmp_path / "dry")

    assert git(repository.root, "count-objects", "-v") == before
    assert updated(repository, tmp_path / "real") == dry
