"""Updated projects work: their style, types and own tests, and every check of the protocol."""

import re
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from chatkit_scaffold.generator.questions import combination_name
from chatkit_scaffold.update.plan import Wish
from chatkit_scaffold.update.run import update
from tests.command import git
from tests.conftest import Environment
from tests.matrix import Project, run
from tests.template.test_matrix import check
from tests.update.edits import EDITS
from tests.update.lab import Lab, Start
from tests.update.made_up_releases import TODAY

HARMFUL = ("reformatted", "beside-a-changed-line", "own-migration")
HARMLESS = tuple(name for name in EDITS if name not in HARMFUL)
"""Edits after which a project passes its own tests: these compare whole responses of errors, and
the tables that migrations create with those of the code."""
BESIDE_RENAMES = ("prompt", "new-tool-file", "dependency-added", "file-deleted", "own-functions")
"""Edits that touch no line that a renamed module changes."""

CASES = [
    ("0.1.0", {"store": "sqlite", "agent": "openai", "auth": "jwt"}, BESIDE_RENAMES[1:]),
    (
        TODAY,
        {"store": "memory", "agent": "echo", "auth": "guest"},
        (*BESIDE_RENAMES, "reformatted"),
    ),
    (TODAY, {"store": "postgres", "agent": "openai", "tools": "mcp", "auth": "session"}, HARMLESS),
    (TODAY, {"store": "redis", "agent": "langgraph", "tools": "none", "auth": "oidc"}, HARMLESS),
]
"""A release, a combination, and edits."""
TARGETS = ("renamed-module", "split-file", "fix", "new-question")
"""The release that each is updated to."""


@pytest.fixture(
    scope="module",
    params=[(*case, target) for case, target in zip(CASES, TARGETS, strict=True)],
    ids=TARGETS,
)
def updated(request: pytest.FixtureRequest, lab: Lab, outside_folder: Path) -> Project:
    """A project with edits, updated without conflict."""
    release, answers, edits, target = request.param
    start = Start(release, tuple(answers.items()), edits)
    folder = Path(tempfile.mkdtemp(dir=outside_folder)) / "backend"
    shutil.copytree(lab.project(start), folder)
    done = update(str(folder), Wish(), lab.root(target))
    assert done.merged
    assert [conflict.as_text() for conflict in done.merged.conflicts] == []
    assert git(folder, "status", "--short") == ""
    environment: Path = request.getfixturevalue("warm_environment")
    (folder / ".venv").symlink_to(environment)
    return Project(combination_name(answers), folder, answers)


def test_style(updated: Project) -> None:
    """Ruff finds nothing, and has nothing to format."""
    run([sys.executable, "-m", "ruff", "check", "--no-cache", "app", "tests"], updated.path)
    run([sys.executable, "-m", "ruff", "format", "--check", "--no-cache", "app"], updated.path)


def test_types(updated: Project, shared_python: Path) -> None:
    """The project's own mypy finds nothing."""
    run([str(shared_python), "-m", "mypy", "--no-error-summary"], updated.path, timeout=600)


def test_own_tests(updated: Project, shared_python: Path) -> None:
    """The project's own tests pass."""
    printed = updated.own_tests(shared_python)

    assert re.search(r"^\d+ passed", printed, re.MULTILINE), printed[-500:]


def test_protocol_checks(updated: Project, environment_of: Environment) -> None:
    """Served for real, it passes every check."""
    check(updated, environment_of(updated))
