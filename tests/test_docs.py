"""The documentation is current: what it derives from the code, and what it refers to."""

import re
import runpy
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from chatkit_scaffold.cli.app import app
from chatkit_scaffold.conformance.reference import page
from chatkit_scaffold.generator.releases import read_releases
from tests.command import REPOSITORY

PAGES = sorted(REPOSITORY.glob("*.md"))
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BUILD = runpy.run_path(str(REPOSITORY / "docs" / "build.py"))
WITH_TABLE = BUILD["with_table"]


@pytest.mark.quick
def test_derived_pages_are_current() -> None:
    """`make docs` would change nothing."""
    assert (REPOSITORY / "docs" / "checks.md").read_text(encoding="utf-8") == page()
    assert WITH_TABLE(README, REPOSITORY) == README
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    assert changelog == BUILD["changelog"](read_releases(REPOSITORY))


@pytest.mark.quick
def test_the_table_of_choices_replaces_an_old_one() -> None:
    """Only the lines between the markers change."""
    old = "before\n<!-- choices -->\n| old |\n<!-- /choices -->\nafter\n"

    new = WITH_TABLE(old, REPOSITORY)

    assert new.startswith("before\n<!-- choices -->\n| option |")
    assert new.endswith("|\n<!-- /choices -->\nafter\n")
    assert "| old |" not in new


@pytest.mark.quick
@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file of the repository."""
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (REPOSITORY / link).exists()] == []


@pytest.mark.quick
@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_make_targets_exist(page: Path) -> None:
    """Every `make TARGET` in the text is a target of the Makefile."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE))

    assert [
        target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)
    ] == []


@pytest.mark.quick
def test_the_readme_names_every_command() -> None:
    """Each command appears in the README, and each `chatkit-scaffold WORD` is a command."""
    program = get_command(app)
    assert isinstance(program, TyperGroup)
    shown = set(re.findall(r"chatkit-scaffold ([a-z]+)", README))

    assert shown - {"follows", "needs"} <= program.commands.keys()
    assert [
        name for name in program.commands if f"`{name}`" not in README and name not in shown
    ] == []
