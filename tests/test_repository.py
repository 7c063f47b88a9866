"""The repository's own rules: locked versions, a matrix from the command, pinned actions."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from chatkit_scaffold.generator import questions
from tests.command import REPOSITORY
from tests.lock import locked_versions, unmet

LOCK = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def _requirements(*groups: str) -> list[Requirement]:
    entries = list(PROJECT["project"]["dependencies"])
    for group in groups:
        entries += [
            entry for entry in PROJECT["dependency-groups"][group] if isinstance(entry, str)
        ]
    return [Requirement(entry) for entry in entries]


@pytest.mark.parametrize("requirement", _requirements("dev"), ids=str)
def test_the_lock_holds_what_is_required(requirement: Requirement) -> None:
    """Every requirement is locked at a version within its bounds; if not, run `make lock`."""
    assert unmet(str(requirement), locked_versions(REPOSITORY)) == ""


def test_the_lock_names_no_place() -> None:
    """The lock has names, versions and hashes, and no address."""
    assert "://" not in LOCK
    assert not re.search(r"^\s*-[-a-z]", LOCK.replace("    --hash=", ""), flags=re.MULTILINE)


def test_the_lock_has_a_hash_for_everything() -> None:
    """Every locked version has a hash, so pip verifies every download."""
    entries = re.split(r"^(?=[A-Za-z0-9])", LOCK, flags=re.MULTILINE)[1:]

    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_requirements_have_both_bounds() -> None:
    """Every dependency of the command has a lower and an upper bound."""
    for requirement in _requirements():
        operators = {specifier.operator for specifier in requirement.specifier}
        assert operators == {">=", "<"}, requirement


def _workflow() -> dict[str, Any]:
    path = REPOSITORY / ".github" / "workflows" / "ci.yml"
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def test_the_workflow_takes_its_matrix_from_the_command() -> None:
    """The workflow lists no choice; it runs `matrix --format github`."""
    text = (REPOSITORY / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    names = [questions.combination_name(a) for a in questions.combinations(_questions())]

    assert "matrix --format github" in text
    assert "fromJSON(" in text
    assert not [name for name in names if name in text]


def test_the_workflow_may_only_read() -> None:
    """The workflow's token is read-only, and every action is pinned to a commit."""
    workflow = _workflow()
    used = [
        step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step
    ]

    assert workflow["permissions"] == {"contents": "read"}
    assert used
    assert [action for action in used if not re.search(r"@[0-9a-f]{40}$", action)] == []


def test_ci_runs_exactly_make_test() -> None:
    """`.ci/run` ends with `make test`, and runs nothing else that tests."""
    lines = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8").splitlines()

    assert lines[-1] == "exec make test"
    assert (REPOSITORY / ".ci" / "run").stat().st_mode & 0o111


def test_no_module_is_long() -> None:
    """Modules of the command have at most 300 lines."""
    long = {
        str(path.relative_to(REPOSITORY)): count
        for path in Path(REPOSITORY, "chatkit_scaffold").rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 300
    }

    assert long == {}


def _questions() -> tuple[questions.Question, ...]:
    return questions.read_questions(REPOSITORY)
