"""The whole command, killed on its way: the project is as it was, or updated."""

import shutil
from pathlib import Path

import pytest

from tests.command import git
from tests.update import cells
from tests.update.commands import commit_all
from tests.update.kill import Kill, points_of, run_killed
from tests.update.lab import Lab

ANSWERS = {"store": "memory", "agent": "echo", "auth": "none"}
KILLS = 4
"""Spread over the whole way; `test_kill.py` kills what writes to the project at more points."""


@pytest.fixture(scope="module")
def bot(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that tests copy."""
    folder = Path(tmp_path_factory.mktemp("killed")) / "backend"
    shutil.copytree(lab.created("0.2.0", ANSWERS), folder)
    commit_all(folder)
    return folder


def command(project: Path) -> list[str]:
    """Return the module that updates a project, with its arguments."""
    return ["chatkit_scaffold", "update", str(project)]


@pytest.fixture(scope="module")
def points(bot: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many points the command passes if nothing kills it."""
    folder = Path(tmp_path_factory.mktemp("complete"))
    done = Path(shutil.copytree(bot, folder / "backend", symlinks=True))
    number = points_of(command(done), folder)
    assert git(done, "branch", "--show-current").startswith("chatkit-scaffold/update-")
    return number


@pytest.mark.parametrize("number", range(KILLS))
def test_nothing_has_changed(bot: Path, points: int, tmp_path: Path, number: int) -> None:
    """Branch, index and files are as before, and the next run updates the project."""
    project = Path(shutil.copytree(bot, tmp_path / "backend", symlinks=True))
    before = cells.snapshot(project)
    victim = Kill(1 + number * points // KILLS, "group" if number % 2 else "self")

    assert run_killed(victim, command(project), tmp_path)

    assert cells.snapshot(project) == before
