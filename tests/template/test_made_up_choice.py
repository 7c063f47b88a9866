"""A choice is a folder and a line: a made-up one for each axis works like those that are here."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.command import REPOSITORY, git, make_template
from tests.matrix import run

MADE_UP = Path(__file__).parent / "made_up"
CHOICES = {"store": "shelf", "agent": "parrot", "auth": "badge"}
NAME = "shelf-parrot-none-badge"
_HANGS = 1200
"""Seconds after which a command counts as hanging; one of them runs all tests of a project."""

LISTS = (
    "tests/cli/test_options.py",
    "tests/generator/test_questions.py",
    "tests/template/test_contributing.py::test_no_step_is_missing",
    "tests/template/test_folders.py",
    "tests/test_docs.py",
)
"""Tests of what lists or describes choices."""

ECHO_TO_PARROT = {"echo": "parrot", "Echo": "Parrot", "ECHO": "PARROT", "You ": "Polly "}
"""The parrot is the echo in its own words and with a setting of its own."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of this repository, whose template has one more choice on each axis."""
    folder = tmp_path / "chatkit-scaffold"
    # Not a clone: the tests also run with changes that are not committed, and in shallow clones.
    listed = git(REPOSITORY, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    make_template(folder, {})
    add_folders(folder / "template" / "options")
    add_lines(folder / "copier.yml")
    return folder


def add_folders(options: Path) -> None:
    """Add a folder for each choice."""
    shutil.copytree(MADE_UP / "store" / "shelf", options / "store" / "shelf")
    shutil.copytree(MADE_UP / "auth" / "badge", options / "auth" / "badge")
    (options / "agent" / "parrot").mkdir()
    for path in (options / "agent" / "echo").iterdir():
        text = path.read_text(encoding="utf-8")
        for old, new in ECHO_TO_PARROT.items():
            text = text.replace(old, new)
        (options / "agent" / "parrot" / path.name).write_text(text, encoding="utf-8")


def add_lines(copier: Path) -> None:
    """Add a line for each choice to `choices` of its axis."""
    text = copier.read_text(encoding="utf-8")
    for axis, choice in CHOICES.items():
        start = text.index("  choices:\n", text.index(f"\n{axis}:\n")) + len("  choices:\n")
        text = f'{text[:start]}    "A {choice}: made up for a test": {choice}\n{text[start:]}'
    copier.write_text(text, encoding="utf-8")


def run_in(copy: Path, *command: str) -> str:
    """Run a Python module of the copy's own; fail with its output if it fails."""
    # `-m` puts the working folder first on the path, before this repository.
    return run([sys.executable, "-m", *command], copy, timeout=_HANGS)


def test_nothing_else_is_touched(copy: Path) -> None:
    """What was added is three folders and three lines of `copier.yml`."""
    folders = {f"?? template/options/{axis}/{choice}/" for axis, choice in CHOICES.items()}
    status = git(copy, "status", "--porcelain").splitlines()

    assert {line.strip() for line in status} == {"M copier.yml", *folders}
    assert git(copy, "diff", "--numstat").split() == ["3", "0", "copier.yml"]


def test_command_offers_them(copy: Path) -> None:
    """`options`, `matrix` and the help of `new` list the choices."""
    options = json.loads(run_in(copy, "chatkit_scaffold", "options", "--json"))
    offered = {axis["key"]: [one["value"] for one in axis["choices"]] for axis in options["axes"]}

    assert all(choice in offered[axis] for axis, choice in CHOICES.items())
    listed = run_in(copy, "chatkit_scaffold", "matrix").splitlines()
    assert len([name for name in listed if name.startswith(f"{NAME}-")]) == 1
    shown = run_in(copy, "chatkit_scaffold", "new", "--help")
    assert all(f"{choice}|" in shown for choice in CHOICES.values())


def test_new_uses_them(copy: Path) -> None:
    """`new` records the choices; the project has their variables and signs in with their header."""
    flags = [f"--{axis}={choice}" for axis, choice in CHOICES.items()]
    project = copy.parent / "bot"

    run_in(copy, "chatkit_scaffold", "new", str(project), *flags, "--defaults")

    answers, variables, readme = (
        (project / name).read_text(encoding="utf-8")
        for name in (".copier-answers.yml", ".env.example", "README.md")
    )
    assert all(f"{axis}: {choice}\n" in answers for axis, choice in CHOICES.items())
    assert {
        "# SHELF_PATH=shelf.db",
        "# PARROT_DELAY=0.02",
        "BADGE_SECRET=change-me",
    } < set(variables.splitlines())
    assert '-H "$(uv run python -m app token alice)"' in readme


def test_list_of_steps_is_done(copy: Path) -> None:
    """After `make docs`, no step of CONTRIBUTING.md is missing, and only README.md has changed."""
    git(copy, "add", "--all")

    run_in(copy, "docs.build")

    assert git(copy, "diff", "--name-only") == "README.md"
    run_in(copy, "pytest", "-q", *LISTS)


def test_matrix_passes(copy: Path) -> None:
    """The copy's own tests of the combination pass: its code, its own tests, checks."""
    tests = ("tests/template/test_matrix.py", "tests/template/test_readme.py")

    printed = run_in(copy, "pytest", "-q", "-rs", *tests, "-k", NAME, "--thorough")

    assert re.search(r"^\d+ passed, \d+ deselected in", printed, re.MULTILINE), printed
