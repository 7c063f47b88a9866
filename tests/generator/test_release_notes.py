"""A release says what it renames and removes, so that projects can follow it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from chatkit_scaffold.generator.history import History, has_commit, open_history
from chatkit_scaffold.generator.release_file import read_release
from chatkit_scaffold.generator.releases import Release, read_releases
from chatkit_scaffold.generator.render import render_template
from chatkit_scaffold.generator.source import Template
from tests.command import REPOSITORY
from tests.generator.gaps import gaps
from tests.generator.inventory import Inventory, take

pytestmark = [pytest.mark.quick, pytest.mark.xdist_group("release-notes")]

RELEASES = read_releases(REPOSITORY)
RELEASED = [release for release in RELEASES if release.commit]
PREPARED = RELEASES[-1] if RELEASES[-1].commit is None else Release("being prepared")

COPIER_YML = """\
_subdirectory: template/project
_templates_suffix: .jinja
name: {type: str, default: bot}
store: {type: str, choices: [memory, files, redis], default: memory}
auth: {type: str, choices: [none, jwt], default: none}
durable: {type: bool, when: false, default: "{{ store != 'memory' }}"}
"""
TEMPLATE = {
    "copier.yml": COPIER_YML,
    "template/project/app/main.py": '@router.get("/health")\n@router.post("/auth/login")\n',
    "template/project/app/text.py": "",
    "template/project/app/{% if durable %}disk.py{% endif %}.jinja": "",
    "template/project/.env.example": "# PORT=8000\n# WORKERS=1\n",
    "template/project/migrations/0001.py": 'revision = "0001"\n',
    "template/project/{{ _copier_conf.answers_file }}.jinja": "",
}
Files = dict[str, str]


@pytest.fixture(scope="module")
def history() -> Iterator[History]:
    """The versions of our own template; the test is skipped if the clone is shallow."""
    for release in RELEASED:
        if not has_commit(REPOSITORY, str(release.commit)):
            pytest.skip(f"this clone lacks commit {release.commit} of release {release.version}")
    with open_history(REPOSITORY) as opened:
        yield opened


@pytest.fixture(scope="module")
def inventories(history: History) -> dict[str, Inventory]:
    """What projects of each release and of the checkout have, by version."""
    found = {PREPARED.version: take(REPOSITORY)}
    for release in RELEASED:
        with history.folder(release.version) as folder:
            found[release.version] = take(folder)
    return found


@pytest.mark.parametrize(
    ("old", "new"),
    list(zip(RELEASED, [*RELEASED[1:], PREPARED], strict=True)),
    ids=lambda release: release.version,
)
def test_whatever_is_gone_has_a_note(
    inventories: dict[str, Inventory], old: Release, new: Release
) -> None:
    """Nothing that a project may use vanishes silently, and files keep their history."""
    assert gaps(inventories[old.version], inventories[new.version], new) == []


@pytest.mark.parametrize("release", RELEASED, ids=lambda release: release.version)
def test_inventory_has_the_files_that_copier_makes(
    history: History, inventories: dict[str, Inventory], tmp_path: Path, release: Release
) -> None:
    """Names are expanded as Copier does it, for a combination with most files."""
    inventory = inventories[release.version]
    combination = max(inventory.files, key=lambda answers: len(inventory.files[answers]))
    with history.folder(release.version) as folder:
        template = Template(str(folder), None, is_folder=True)
        project = tmp_path / "demo"
        render_template(template, project, dict(combination), ask=False, name=release.version)

    made = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}

    assert inventory.files[combination] == made


def rename(old: str, new: str, files: Files) -> None:
    """Rename a file of the project."""
    files[f"template/project/{new}"] = files.pop(f"template/project/{old}")


def remove(path: str, files: Files) -> None:
    """Remove a file of the project."""
    del files[f"template/project/{path}"]


def write(path: str, text: str, files: Files) -> None:
    """Add or replace a file of the project."""
    files[f"template/project/{path}"] = text


def questions(old: str, new: str, files: Files) -> None:
    """Replace a part of the questions."""
    assert old in files["copier.yml"]
    files["copier.yml"] = files["copier.yml"].replace(old, new)


STORES = "[memory, files, redis]"
DISK = "app/{% if durable %}disk.py{% endif %}.jinja"
Change = Callable[[Files], None]


@pytest.mark.parametrize(
    ("change", "notes", "missing"),
    [
        (
            partial(rename, "app/text.py", "app/words.py"),
            {"mappings": {"files": {"app/text.py": "app/words.py"}}},
            "file app/text.py is gone without a note or a mapping",
        ),
        (
            partial(rename, DISK, "app/{% if durable %}drive.py{% endif %}.jinja"),
            {"mappings": {"files": {"app/disk.py": ["app/drive.py"]}}},
            "file app/disk.py is gone without a note or a mapping",
        ),
        (
            partial(rename, DISK, "app/{% if store == 'files' %}disk.py{% endif %}.jinja"),
            {
                "projects": {
                    "removed": {
                        "files": {"app/disk.py": {"text": "Redis.", "for": {"store": ["redis"]}}}
                    }
                }
            },
            "file app/disk.py is gone without a note or a mapping",
        ),
        (
            partial(remove, "app/text.py"),
            {"projects": {"removed": {"files": {"app/text.py": "Nobody used it."}}}},
            "file app/text.py is gone without a note or a mapping",
        ),
        (
            partial(write, ".env.example", "# PORT=8000\n# PROCESSES=1\n"),
            {"projects": {"variables": {"removed": {"WORKERS": "Use PROCESSES."}}}},
            "variable WORKERS is gone without a note",
        ),
        (
            partial(write, "app/main.py", '@router.get("/health")\n@router.post("/auth/sign-in")'),
            {"projects": {"removed": {"endpoints": {"/auth/login": "Use /auth/sign-in."}}}},
            "endpoint /auth/login is gone without a note",
        ),
        (
            partial(write, "migrations/0001.py", 'revision = "3f2a"\n'),
            {"mappings": {"migrations": {"0001": "3f2a"}}},
            "migration 0001 is gone without a note",
        ),
        (
            partial(questions, "auth:", "sign_in:"),
            {"mappings": {"questions": {"auth": "sign_in"}}},
            "question auth is gone without a note",
        ),
        (
            partial(questions, "name: {type: str, default: bot}\n", ""),
            {"projects": {"removed": {"questions": {"name": "It is the folder's."}}}},
            "question name is gone without a note",
        ),
        (
            partial(questions, STORES, "[memory, disk, redis]"),
            {"mappings": {"choices": {"store": {"files": "disk"}}}},
            "choice of store files is gone without a note",
        ),
        (
            partial(questions, STORES, "[memory, files]"),
            {"projects": {"removed": {"choices": {"store": {"redis": "Use files."}}}}},
            "choice of store redis is gone without a note",
        ),
    ],
)
def test_a_missing_note_is_noticed(
    tmp_path: Path, change: Change, notes: dict[str, Any], missing: str
) -> None:
    """The same change passes with its note."""
    old, new = made_up(tmp_path / "old"), made_up(tmp_path / "new", change)

    assert gaps(old, new, Release("0.2.0")) == [missing]
    assert gaps(old, new, release_with(tmp_path, notes)) == []


@pytest.mark.parametrize(
    "change",
    [
        partial(write, "app/more.py", '@router.get("/ready")\n'),
        partial(write, "app/text.py", "changed = 1\n"),
        partial(write, ".env.example", "# PORT=9000\n# WORKERS=2\n# MORE=1\n"),
        partial(write, "migrations/0002.py", 'revision = "0002"\n'),
        partial(questions, STORES, "[memory, files, redis, postgres]"),
        partial(questions, "auth:", "tools: {choices: [none, mcp], default: none}\nauth:"),
        partial(
            questions,
            "auth:",
            "tools: {choices: [none, mcp], default: none, "
            "when: \"{{ store != 'memory' }}\"}\nauth:",
        ),
        partial(questions, "default: memory", "default: files"),
        # Moved within the template, where no project sees it.
        partial(rename, "app/text.py", "app/{% if auth %}text.py{% endif %}.jinja"),
    ],
)
def test_what_is_new_or_changed_needs_no_note(tmp_path: Path, change: Change) -> None:
    """Projects keep what they have, so there is nothing that a release must say."""
    old, new = made_up(tmp_path / "old"), made_up(tmp_path / "new", change)

    assert gaps(old, new, Release("0.2.0")) == []


@pytest.mark.parametrize(
    ("notes", "vain"),
    [
        ({"mappings": {"files": {"app/text.py": "app/main.py"}}}, "file app/text.py is noted"),
        ({"mappings": {"questions": {"auth": "store"}}}, "question auth is noted, but not gone"),
        ({"mappings": {"migrations": {"0001": "0002"}}}, "migration 0001 is noted, but not gone"),
        (
            {"projects": {"variables": {"removed": {"PORT": "Gone."}}}},
            "variable PORT is noted, but not gone",
        ),
        (
            {"projects": {"variables": {"added": {"PORT": "New."}}}},
            "variable PORT is noted, but not new",
        ),
        (
            {"projects": {"removed": {"endpoints": {"/health": "Gone."}}}},
            "endpoint /health is noted, but not gone",
        ),
        (
            {"projects": {"removed": {"choices": {"store": {"files": "Gone."}}}}},
            "choice of store files is noted, but not gone",
        ),
    ],
)
def test_a_note_that_is_not_true_is_noticed(
    tmp_path: Path, notes: dict[str, Any], vain: str
) -> None:
    """A release names nothing that is still there, or was there before."""
    same = made_up(tmp_path)

    assert any(gap.startswith(vain) for gap in gaps(same, same, release_with(tmp_path, notes)))


def test_a_mapping_must_lead_to_one_file_each(tmp_path: Path) -> None:
    """Two files of a project cannot both become one, and a new name has to exist."""

    def merge(files: Files) -> None:
        remove("app/text.py", files)
        rename("app/main.py", "app/all.py", files)

    old, new = made_up(tmp_path / "old"), made_up(tmp_path / "new", merge)
    both = {"app/text.py": "app/all.py", "app/main.py": "app/all.py"}
    nowhere = {"app/text.py": "app/words.py", "app/main.py": "app/all.py"}

    assert gaps(old, new, release_with(tmp_path, {"mappings": {"files": both}})) == [
        "file app/all.py inherits the history of more than one file"
    ]
    assert gaps(old, new, release_with(tmp_path, {"mappings": {"files": nowhere}})) == [
        "file app/text.py is mapped to app/words.py, which is not there"
    ]


def made_up(root: Path, change: Change | None = None) -> Inventory:
    """Return the inventory of the small template, perhaps after a change."""
    files = dict(TEMPLATE)
    if change:
        change(files)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return take(root)


def release_with(folder: Path, notes: dict[str, Any]) -> Release:
    """Return a release whose file has these notes."""
    path = folder / "0.2.0.yml"
    path.write_text(yaml.safe_dump(notes), encoding="utf-8")
    return read_release(path)
