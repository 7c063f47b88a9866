"""Every combination of choices creates a clean project that passes its tests and all checks."""

import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from chatkit_scaffold import launcher
from chatkit_scaffold.conformance.formats import text as report_text
from chatkit_scaffold.conformance.suite import run_checks
from chatkit_scaffold.generator import questions
from chatkit_scaffold.verify import credentials
from tests import environments
from tests.conftest import Environment
from tests.covering import all_pairs
from tests.matrix import COMBINATIONS, COVERING, DEFAULT, POSSIBLE, QUESTIONS, Project, facts, run
from tests.template import tags
from tests.template.how_to import MakeProject

ONE_USER = "without sign-in, there is one user"
"""The only reason for which a project may skip a test."""

_TEXTS = {".py", ".md", ".toml", ".example", ".css", ".html", ".js", ".json", ".ts", ".tsx"}
"""Suffixes of the files that belong to a choice, or describe it."""


@pytest.mark.quick
def test_no_tag_is_left(project: Project) -> None:
    """No Jinja tag is left in a file or its name."""
    for path in project.files():
        if path.name == ".copier-answers.yml":
            continue
        text = path.relative_to(project.path).as_posix() + path.read_text(encoding="utf-8")
        assert tags.left_in(text, path.suffix) == [], path


@pytest.mark.quick
def test_no_other_choice_is_named(project: Project) -> None:
    """No file mentions a choice that was not made."""
    for axis in questions.axes(QUESTIONS):
        for choice in axis.choices:
            if project.answers.get(axis.key) == choice.value:
                continue
            words = facts(axis.key, choice.value)["words"]
            found = [
                path
                for path in project.files()
                if path.suffix in _TEXTS
                and re.search(words, path.read_text(encoding="utf-8"), re.IGNORECASE)
            ]
            assert found == [], words


@pytest.mark.quick
def test_agents_md_is_short_and_true(project: Project) -> None:
    """AGENTS.md has at most 40 lines, and every file that it names exists."""
    text = (project.path / "AGENTS.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40
    named = re.findall(r"\b(?:app|tests)/[\w/.]+\.py\b", text)
    assert named
    assert [path for path in named if not (project.path / path).is_file()] == []


@pytest.mark.quick
def test_ruff_check(project: Project) -> None:
    """Ruff finds nothing with the project's own rules."""
    run([sys.executable, "-m", "ruff", "check", "--no-cache", "."], project.path)


@pytest.mark.quick
def test_formatting_needs_no_change(project: Project) -> None:
    """The project is formatted according to its own settings."""
    run([sys.executable, "-m", "ruff", "format", "--check", "--no-cache", "."], project.path)


@pytest.mark.quick
def test_dependencies_parse(project: Project) -> None:
    """Every requirement has a lower and an upper bound, and is named once."""
    pyproject = tomllib.loads((project.path / "pyproject.toml").read_text(encoding="utf-8"))
    for lines in (pyproject["project"]["dependencies"], pyproject["dependency-groups"]["dev"]):
        requirements = [Requirement(line) for line in lines]
        for requirement in requirements:
            operators = {specifier.operator for specifier in requirement.specifier}
            assert operators == {">=", "<"}, requirement
        names = [requirement.name for requirement in requirements]
        assert len(set(names)) == len(names)


@pytest.mark.quick
def test_every_pair_of_choices_is_covered() -> None:
    """Any two choices that can be combined meet in a project whose own tests run."""
    assert all_pairs(COVERING) == all_pairs(COMBINATIONS) == all_pairs(POSSIBLE)
    assert len(COVERING) < len(COMBINATIONS)


def test_what_is_imported_is_required(project: Project, everything: Path) -> None:
    """The project imports no library that it installs only together with other choices."""
    assert environments.undeclared(project.path, everything) == {}


def test_types(project: Project, type_checker: Path) -> None:
    """The project's own mypy, strict, finds nothing."""
    run([str(type_checker), "-m", "mypy", "--no-error-summary"], project.path, timeout=600)


def test_own_tests(installed: Project, warm_python: Path) -> None:
    """The project's own tests pass, all of them, with no key and no service running.

    They start dozens of backends, which share what they import. A fault between two choices shows
    in one of the combinations that have both. `make matrix` and the workflow run the tests of all.
    """
    printed = installed.own_tests(warm_python)
    passed = re.search(r"^\d+ passed(, \d+ (skipped|warnings?))* in", printed, re.MULTILINE)
    assert passed, printed[-500:]
    skipped = re.findall(r"^SKIPPED .*", printed, re.MULTILINE)
    assert [line for line in skipped if not line.endswith(ONE_USER)] == []


def test_protocol_checks(ready: Project, environment_of: Environment) -> None:
    """Served for real, the project passes every check."""
    check(ready, environment_of(ready))


@pytest.mark.quick
@pytest.mark.xdist_group("quick")
def test_protocol_checks_of_the_defaults(install: MakeProject) -> None:
    """A project created with the defaults passes every check, with no variable set."""
    check(install(questions.combination_name(DEFAULT)), {})


def check(project: Project, environment: dict[str, str]) -> None:
    """Serve a project and run every check; fail with the report."""
    with launcher.serve(project.path, environment) as server:
        headers = [credentials(project.path, server, user) for user in ("ada", "bob")]
        report = run_checks(server.url, headers=headers[0], other_headers=headers[1] or None)
    text = report_text.render(report)
    assert report.exit_status(strict=True) == 0, text
    assert report.leftover_threads == []
