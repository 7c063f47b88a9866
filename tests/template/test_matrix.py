"""Every combination of choices creates a clean project that passes its tests and all checks."""

import re
import sys
import tomllib

import pytest
from packaging.requirements import Requirement

from chatkit_scaffold import launcher
from chatkit_scaffold.conformance.formats import text as report_text
from chatkit_scaffold.conformance.suite import run_checks
from chatkit_scaffold.generator import questions
from chatkit_scaffold.verify import credentials
from tests.conftest import Environment
from tests.matrix import DEFAULT, QUESTIONS, Project, facts, pairwise, parameters, run


@pytest.mark.quick
def test_no_tag_is_left(project: Project) -> None:
    """No Jinja tag is left in a file or its name."""
    for path in project.files():
        if path.name == ".copier-answers.yml":
            continue
        text = path.relative_to(project.path).as_posix() + path.read_text(encoding="utf-8")
        assert not re.search(r"\{%|\{#|\{\{ ", text), path


@pytest.mark.quick
def test_no_other_choice_is_named(project: Project) -> None:
    """No file mentions a choice that was not made."""
    for axis in questions.axes(QUESTIONS):
        for choice in axis.choices:
            if project.answers[axis.key] == choice.value:
                continue
            words = facts(axis.key, choice.value)["words"]
            found = [
                path
                for path in project.files()
                if path.suffix in {".py", ".md", ".toml", ".example"}
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


def test_types(installed: Project) -> None:
    """The project's own mypy, strict, finds nothing in its own environment."""
    installed.run("mypy", "--no-error-summary")


@pytest.mark.parametrize("project", parameters(pairwise()), indirect=True)
def test_own_tests(installed: Project) -> None:
    """The project's own tests pass, all of them, with no key and no service running.

    A fault between two choices shows in one combination that has both; the workflow in
    `.github` runs the tests of all.
    """
    printed = installed.run("pytest", "-q", "-p", "no:cacheprovider")
    assert re.search(r"^\d+ passed( in|, \d+ warning)", printed, re.MULTILINE), printed[-500:]


def test_protocol_checks(installed: Project, environment_of: Environment) -> None:
    """Served for real, the project passes every check, and quickly."""
    _check(installed, environment_of(installed))


@pytest.mark.quick
@pytest.mark.parametrize(
    "project",
    [pytest.param(DEFAULT, id="default", marks=pytest.mark.xdist_group("quick"))],
    indirect=True,
)
def test_protocol_checks_of_the_defaults(installed: Project) -> None:
    """A project created with the defaults passes every check, with no variable set."""
    _check(installed, {})


def _check(project: Project, environment: dict[str, str]) -> None:
    with launcher.serve(project.path, environment) as server:
        headers = [credentials(project.path, server, user) for user in ("ada", "bob")]
        report = run_checks(server.url, headers=headers[0], other_headers=headers[1] or None)
    text = report_text.render(report)
    assert report.exit_status(strict=True) == 0, text
    assert report.leftover_threads == []
    assert report.seconds < 10, text
