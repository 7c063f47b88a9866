"""Every combination of the template's choices, computed from `copier.yml`."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from chatkit_scaffold import launcher
from chatkit_scaffold.generator import questions
from tests.command import REPOSITORY
from tests.covering import covering

QUESTIONS = questions.read_questions(REPOSITORY)
POSSIBLE = questions.combinations(QUESTIONS)
"""All that a user can choose."""
COMBINATIONS = questions.matrix(QUESTIONS)
"""Those that are tested: all of store, agent, tools and auth, with the other axes in turn."""
COVERING = covering(COMBINATIONS)
DEFAULTS = {axis.key: str(axis.default) for axis in questions.axes(QUESTIONS)}
"""The default of every axis, also where it does not apply together with the others."""
DEFAULT = next(answers for answers in POSSIBLE if answers.items() <= DEFAULTS.items())


@dataclass(frozen=True, slots=True)
class Project:
    """A generated project.

    Attributes:
        name: Its choices, such as `sqlite-echo-none-none`.
        path: Its folder.
        answers: Its choices by axis.
    """

    name: str
    path: Path
    answers: dict[str, str]

    def files(self) -> list[Path]:
        """Return all files that were rendered."""
        return [path for path in self.path.rglob("*") if path.is_file() and not _made(path)]

    def own_tests(self, warm_python: Path) -> str:
        """Run its own tests and return what pytest prints; fail with that if one fails.

        Args:
            warm_python: Runs pytest and the dozens of backends that the tests start; see
                `environments.warm`.
        """
        arguments = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
        return self._run(warm_python, *arguments, timeout=1200, **warm_programs(warm_python))

    def run(self, *command: str, timeout: float = 600, **variables: str) -> str:
        """Run a module of the project's own environment; fail with its output if it fails."""
        python = launcher.project_python(self.path)
        return self._run(python, "-m", *command, timeout=timeout, **variables)

    def _run(self, python: Path, *arguments: str, timeout: float, **variables: str) -> str:
        # Not in the folder of these tests, see the fixture `outside_folder`.
        temporary = self.path.parent / "tmp"
        temporary.mkdir(exist_ok=True)
        environment = {**os.environ, "PYTEST_DEBUG_TEMPROOT": str(temporary), **variables}
        return run([str(python), *arguments], self.path, timeout, environment)


def warm_programs(python: Path) -> dict[str, str]:
    """Return the environment in which a project's pytest runs the programs of tests with *python*.

    It is the program of an environment that `environments.warm` has made.
    """
    return {
        "PYTEST_ADDOPTS": "-p warm_programs",
        "PYTHONPATH": str(REPOSITORY / "tests" / "plugins"),
        "WARM_PYTHON": str(python),
    }


def facts(axis: str, choice: str) -> dict[str, Any]:
    """Return the facts in a choice's `choice.yml`."""
    text = (choice_folder(axis, choice) / "choice.yml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def choice_folder(axis: str, choice: str) -> Path:
    """Return a choice's folder in the template."""
    return REPOSITORY / "template" / "options" / axis / choice


def service_module(axis: str, choice: str) -> Path:
    """Return the module that runs what a choice needs: its own, or one that several share."""
    own = choice_folder(axis, choice) / "service.py"
    return own if own.exists() else REPOSITORY / "template" / "shared" / axis / "service.py"


def parameters(chosen: Sequence[dict[str, str]]) -> list[object]:
    """Return a parameter for each combination, all of whose tests one worker runs."""
    # First those that take long: the others then fill the time until the last one ends.
    return [_parameter(answers) for answers in sorted(chosen, key=lambda one: one not in COVERING)]


def _parameter(answers: dict[str, str]) -> object:
    name = questions.combination_name(answers)
    marks = [pytest.mark.xdist_group(name)]
    if answers not in COVERING:
        marks.append(pytest.mark.rest)
    return pytest.param(answers, id=name, marks=marks)


def the(**choices: str) -> str:
    """Return the name of the combination with these choices, and otherwise the simplest ones.

    The simplest choice is the one that an axis lists first.
    """
    return next(
        questions.combination_name(answers)
        for answers in POSSIBLE
        if choices.items() <= answers.items()
    )


def run(
    command: list[str],
    folder: Path,
    timeout: float = 60,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a command in *folder* and return what it prints; fail with that if it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{' '.join(command)}\n{done.stdout}{done.stderr}", pytrace=False)
    return done.stdout


def _made(path: Path) -> bool:
    """Return whether a file was created after the project was rendered."""
    made = {".venv", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", "uv.lock"}
    return bool(made & set(path.parts)) or ".db" in path.suffixes
