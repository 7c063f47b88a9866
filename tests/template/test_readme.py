"""A project's README: its table names every module, and checks that exist."""

import re
from pathlib import Path

import pytest

from tests.command import run
from tests.matrix import Project
from tests.template.markdown import sections

pytestmark = pytest.mark.quick


@pytest.fixture
def table(project: Project) -> list[list[str]]:
    """The rows of the table: a file, what it does, what goes wrong without it, and its checks."""
    readme = (project.path / "README.md").read_text(encoding="utf-8")
    lines = sections(readme)["Why this is here"].splitlines()
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("| `")]


@pytest.fixture(scope="module")
def check_ids() -> set[str]:
    """The id of every check."""
    return {line.split()[0] for line in run("check", "--list").stdout.splitlines()}


def test_table_names_the_modules(project: Project, table: list[list[str]]) -> None:
    """Every module is named once, and nothing else."""
    named = [name for row in table for name in code_in(row[0])]
    assert sorted(named) == sorted(modules(project.path / "app", named, project.path))


def test_blocks_are_whole(project: Project) -> None:
    """No blank line cuts a table in two, and none follows another."""
    readme = (project.path / "README.md").read_text(encoding="utf-8")
    assert not re.search(r"^\|.*\n\n\|", readme, re.MULTILINE)
    assert "\n\n\n" not in readme


def test_checks_exist(table: list[list[str]], check_ids: set[str]) -> None:
    """Every row is complete, and names checks by their id or "none"."""
    for _, does, without, checks in table:
        assert does
        assert without
        assert code_in(checks) or checks == "none"
        assert set(code_in(checks)) <= check_ids


def code_in(cell: str) -> list[str]:
    """Return what the cell shows as code."""
    return re.findall(r"`([^`]+)`", cell)


def modules(folder: Path, named: list[str], project: Path) -> list[str]:
    """Return the modules of a folder, and its folders: by name, or else by their own modules."""
    found = []
    for path in folder.iterdir():
        name = path.relative_to(project).as_posix()
        if path.is_file() and (path.name != "__init__.py" or name == "app/__init__.py"):
            found.append(name)
        elif path.is_dir() and path.name != "__pycache__":
            whole = f"{name}/"
            found += [whole] if whole in named else modules(path, named, project)
    return found
