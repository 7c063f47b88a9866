"""The whole command where homes, clones and networks are not as in our own checkouts."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.command import REPOSITORY, git, tree
from tests.update.commands import Command, commit_all
from tests.update.lab import Lab
from tests.update.made_up_releases import FIX, TODAY, VERSION

pytestmark = pytest.mark.xdist_group("wheels")

ANSWERS = {"store": "sqlite", "agent": "openai", "tools": "none", "auth": "jwt"}


@pytest.fixture
def bot(lab: Lab, tmp_path: Path) -> Path:
    """A project whose template was in a folder that does not exist here, in a repository."""
    folder = tmp_path / "backend"
    shutil.copytree(lab.created("0.2.0", ANSWERS), folder)
    record = folder / ".copier-answers.yml"
    text = record.read_text(encoding="utf-8")
    assert f"_src_path: {REPOSITORY}\n" in text
    text = text.replace(str(REPOSITORY), "/home/ada/chatkit-scaffold")
    record.write_text(text, encoding="utf-8")
    commit_all(folder)
    return folder


def is_fixed(project: Path) -> bool:
    """Return whether a project has what the made-up release fixes."""
    return FIX[1] in (project / "app" / "errors.py").read_text(encoding="utf-8")


def test_a_dry_run_announces_what_happens(newer: Command, bot: Path) -> None:
    """It writes nothing; the report is the same, except for what only the real run knows."""
    before = tree(bot), git(bot, "for-each-ref"), git(bot, "ls-files", "--stage")

    planned = json.loads(newer.run(bot, "update", "--dry-run", "--json"))
    after = tree(bot), git(bot, "for-each-ref"), git(bot, "ls-files", "--stage")
    done = json.loads(newer.run(bot, "update", "--json"))

    assert after == before
    assert done["commit"] == git(bot, "rev-parse", "HEAD")
    assert planned == {**done, "commit": None, "dry_run": True}


def test_a_colleague_updates_a_clone(newer: Command, bot: Path, tmp_path: Path) -> None:
    """The folder that the project was made from is on another machine."""
    git(tmp_path, "clone", "--quiet", str(bot), "clone")

    newer.run(tmp_path / "clone", "update")

    assert is_fixed(tmp_path / "clone")


@pytest.mark.parametrize("home", ["none/at/all", "a-file", "/proc"])
def test_a_home_that_nothing_can_be_stored_in(
    newer: Command, bot: Path, tmp_path: Path, home: str
) -> None:
    """The command works; not even an administrator can write to /proc."""
    (tmp_path / "a-file").touch()
    command = newer.at(tmp_path / home)

    printed = command.run(tmp_path, "new", "bot", "--defaults")
    command.run(bot, "update")
    command.run(bot, "status")

    assert is_fixed(bot)
    stored = (tmp_path / home).is_dir() and home != "/proc"
    assert stored != ("copier update" in printed)


def test_anothers_project_is_refused(newer: Command, bot: Path) -> None:
    """Until the user trusts it."""
    command = newer.with_variables(
        GIT_TEST_ASSUME_DIFFERENT_OWNER="1", GIT_CONFIG_SYSTEM=os.devnull
    )

    refused = command.run(bot, "update", status=2)

    assert f"git does not read {bot}, which belongs to another user" in refused
    # The variable makes every repository another's, so one entry is not enough.
    git(bot, "config", "--file", str(newer.home / ".gitconfig"), "safe.directory", "*")
    command.run(bot, "update")
    assert is_fixed(bot)


def test_anothers_checkout_is_refused(lab: Lab, source: Command, bot: Path, tmp_path: Path) -> None:
    """The template in it is not read, and nothing is changed."""
    checkout = tmp_path / "checkout"
    git(tmp_path, "clone", "--quiet", "--shared", str(lab.root("fix")), str(checkout))
    (source.home / ".gitconfig").write_text(f"[safe]\n\tdirectory = {bot}\n", encoding="utf-8")
    variables = {"PYTHONPATH": str(checkout), "GIT_CONFIG_SYSTEM": os.devnull}
    command = source.with_variables(**variables, GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    before = tree(bot)

    refused = command.run_program("python", bot, "-m", "chatkit_scaffold", "update", status=2)

    assert f"git does not read {checkout}, which belongs to another user" in refused
    assert tree(bot) == before


def test_a_shallow_checkout_says_what_it_lacks(
    lab: Lab, source: Command, bot: Path, tmp_path: Path
) -> None:
    """It has no old releases; with all of its history, it updates the project."""
    checkout = tmp_path / "checkout"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{lab.root('fix')}", str(checkout))
    command = source.with_variables(PYTHONPATH=str(checkout))
    update = ("python", bot, "-m", "chatkit_scaffold", "update")

    refused = command.run_program(*update, status=2)

    assert "of release 0.2.0" in refused
    assert "git fetch --unshallow" in refused
    git(checkout, "fetch", "--quiet", "--unshallow")
    command.run_program(*update)
    assert is_fixed(bot)


def test_a_shallow_clone_of_a_project(newer: Command, bot: Path, tmp_path: Path) -> None:
    """Its last commit is enough, as in CI."""
    (bot / "app" / "mine.py").write_text("MINE = 1\n", encoding="utf-8")
    commit_all(bot)
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{bot}", "clone")

    newer.run(tmp_path / "clone", "update")

    assert is_fixed(tmp_path / "clone")


def test_a_squashed_history(newer: Command, bot: Path) -> None:
    """No commit is the one that the project was created with."""
    (bot / "app" / "mine.py").write_text("MINE = 1\n", encoding="utf-8")
    git(bot, "add", "--all")
    only = git(bot, "commit-tree", "-m", "squashed", git(bot, "write-tree"))
    git(bot, "reset", "--quiet", "--hard", only)

    newer.run(bot, "update")

    assert is_fixed(bot)
    assert (bot / "app" / "mine.py").exists()


def test_a_folder_of_a_monorepo(newer: Command, bot: Path, tmp_path: Path) -> None:
    """Only this folder is updated; what is not committed in others stays as it is."""
    top = tmp_path / "top"
    shutil.copytree(bot, top / "services" / "bot", ignore=shutil.ignore_patterns(".git"))
    (top / "web").mkdir()
    (top / "web" / "page.html").write_text("<p>\n", encoding="utf-8")
    commit_all(top)
    (top / "web" / "page.html").write_text("<p>Hello\n", encoding="utf-8")
    (top / "web" / "new.html").write_text("<p>\n", encoding="utf-8")
    before = tree(top / "web")

    newer.run(top, "update", "services/bot")

    assert is_fixed(top / "services" / "bot")
    assert tree(top / "web") == before
    assert git(top, "status", "--short").splitlines() == ["M web/page.html", "?? web/new.html"]
    changed = git(top, "diff", "--name-only", "HEAD~1", "HEAD").splitlines()
    assert {name.split("/")[:2][1] for name in changed} == {"bot"}


def test_without_the_command(newer: Command, source: Command, tmp_path: Path) -> None:
    """When it is uninstalled, Copier updates from what it has stored."""
    newer.run(tmp_path, "new", "bot", "--defaults", "--ref", TODAY)
    bot = tmp_path / "bot"

    source.run_program("copier", bot, "update", "--defaults", "--quiet")

    assert is_fixed(bot)
    assert f"_commit: {VERSION}\n" in (bot / ".copier-answers.yml").read_text(encoding="utf-8")


def test_without_git(newer: Command, bot: Path, tmp_path: Path) -> None:
    """The error names what is missing."""
    programs = tmp_path / "programs"
    programs.mkdir()
    refused = newer.with_variables(PATH=str(programs)).run(bot, "update", status=2)

    assert "git is not installed" in refused
