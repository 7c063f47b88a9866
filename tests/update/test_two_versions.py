"""Two versions of the command on one machine, and plain `copier update` beside them."""

import re
import shutil
from pathlib import Path

import pytest

from tests.command import REPOSITORY, git, tree
from tests.update import made_up_releases
from tests.update.commands import Command, commit_all
from tests.update.lab import COMMITS, Lab
from tests.update.made_up_releases import FIX, TODAY, VERSION

pytestmark = pytest.mark.xdist_group("wheels")

RECORD = ".copier-answers.yml"


def test_they_alternate(older: Command, newer: Command, tmp_path: Path) -> None:
    """Ten times each, `new`, `update`, `status` and plain `copier update` work side by side."""
    for number in range(10):
        name = f"bot-{number}"
        first, other = (older, newer) if number % 2 else (newer, older)
        first.run(tmp_path, "new", name, "--defaults")
        project = tmp_path / name
        made = VERSION if first is newer else TODAY

        assert f"_commit: {made}\n" in (project / RECORD).read_text(encoding="utf-8")
        first.run(project, "status")
        if other is older:
            refused = other.run(project, "update", status=2)
            assert f"{VERSION} is newer than this chatkit-scaffold {TODAY}" in refused
        else:
            assert "0.9.0" in other.run(project, "update", "--dry-run")
        _copier_updates(first, project)
        other.run(tmp_path, "new", f"{name}-other", "--defaults")
    for path in sorted(tmp_path.glob("bot-*")):
        if not path.name.endswith("-other"):
            newer.run(path, "update", "--store", "memory")
            assert "store: memory\n" in (path / RECORD).read_text(encoding="utf-8")


def _copier_updates(command: Command, project: Path) -> None:
    """Update by Copier alone to the newest version that the kept bundle has, and commit."""
    command.run_program("copier", project, "update", "--defaults", "--quiet")
    assert list(project.rglob("*.rej")) == []
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--allow-empty", "--message=copier update")


def test_an_older_command_keeps_what_a_newer_one_has_stored(
    older: Command, newer: Command, tmp_path: Path
) -> None:
    """Projects of the newer one are updated by Copier as before."""
    newer.run(tmp_path, "new", "bot", "--defaults")
    kept = newer.home / ".local" / "share" / "chatkit-scaffold"
    before = tree(kept)

    older.run(tmp_path, "new", "other", "--defaults")

    assert before.items() <= tree(kept).items()
    _copier_updates(newer, tmp_path / "bot")


def test_copier_finds_fixes_when_a_newer_command_has_run(
    older: Command, newer: Command, tmp_path: Path
) -> None:
    """The bundle of the older command has the newer one's versions then."""
    older.run(tmp_path, "new", "bot", "--defaults")
    newer.run(tmp_path, "options")

    older.run(tmp_path, "options")
    _copier_updates(older, tmp_path / "bot")

    assert FIX[1] in (tmp_path / "bot" / "app" / "errors.py").read_text(encoding="utf-8")


def test_a_project_of_the_first_release(newer: Command, lab: Lab, tmp_path: Path) -> None:
    """It is updated across the new layout, from a wheel, wherever its template was."""
    answers = {"store": "sqlite", "agent": "openai", "auth": "jwt"}
    project = tmp_path / "backend"
    shutil.copytree(lab.created("0.1.0", answers), project)
    record = project / RECORD
    text = record.read_text(encoding="utf-8")
    assert re.search(f"^_commit: {COMMITS['0.1.0']}", text, re.MULTILINE)
    record.write_text(
        text.replace(str(REPOSITORY), "/home/ada/chatkit-scaffold"),
        encoding="utf-8",
    )
    commit_all(project)

    newer.run(project, "update")

    flags = [f"--{axis}={choice}" for axis, choice in answers.items()]
    newer.run(tmp_path, "new", "fresh", "--name=backend", "--defaults", *flags)
    assert tree(project) == tree(tmp_path / "fresh")
    assert git(project, "branch", "--show-current") == f"chatkit-scaffold/update-{VERSION}"


def test_copier_updates_from_a_checkout(lab: Lab, source: Command, tmp_path: Path) -> None:
    """A project made from a checkout gets what is committed there later."""
    checkout = tmp_path / "checkout"
    git(tmp_path, "clone", "--quiet", "--shared", str(lab.root(TODAY)), str(checkout))
    command = source.with_variables(PYTHONPATH=str(checkout))
    command.run_program("python", tmp_path, "-m", "chatkit_scaffold", "new", "bot", "--defaults")
    made_up_releases.CHANGES["fix"].edit(checkout)
    made_up_releases.release(checkout, VERSION, {})

    _copier_updates(command, tmp_path / "bot")

    assert FIX[1] in (tmp_path / "bot" / "app" / "errors.py").read_text(encoding="utf-8")
    assert f"_src_path: {checkout}\n" in (tmp_path / "bot" / RECORD).read_text(encoding="utf-8")


def test_copier_updates_from_an_address(lab: Lab, source: Command, tmp_path: Path) -> None:
    """With an address in the package's metadata, that and the release's tag are recorded."""
    checkout, address = tmp_path / "checkout", "https://git.example/chatkit-scaffold.git"
    git(tmp_path, "clone", "--quiet", "--shared", str(lab.root(TODAY)), str(checkout))
    git(checkout, "tag", TODAY)
    info = checkout / "chatkit_scaffold-0.dist-info"
    info.mkdir()
    published = f"Name: chatkit-scaffold\nVersion: {TODAY}\nProject-URL: Template, {address}\n"
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\n{published}", encoding="utf-8")
    command = source.with_variables(PYTHONPATH=str(checkout))
    command.run_program("python", tmp_path, "-m", "chatkit_scaffold", "new", "bot", "--defaults")
    recorded = (tmp_path / "bot" / RECORD).read_text(encoding="utf-8")
    assert f"_commit: {TODAY}\n_src_path: {address}\n" in recorded
    made_up_releases.CHANGES["fix"].edit(checkout)
    made_up_releases.commit(checkout, VERSION)
    git(checkout, "tag", VERSION)
    # The server behind the address.
    served = {"KEY_0": f"url.file://{checkout}.insteadOf", "VALUE_0": address, "COUNT": "1"}
    command = command.with_variables(
        **{f"GIT_CONFIG_{name}": value for name, value in served.items()}
    )

    _copier_updates(command, tmp_path / "bot")

    assert FIX[1] in (tmp_path / "bot" / "app" / "errors.py").read_text(encoding="utf-8")
    assert f"_commit: {VERSION}\n" in (tmp_path / "bot" / RECORD).read_text(encoding="utf-8")
