"""Follows a project's how-tos as a reader would: creates files, changes lines, runs commands."""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chatkit_scaffold import launcher
from tests.matrix import Project, run, warm_programs
from tests.template.markdown import blocks

MakeProject = Callable[[str], Project]
"""From the name of a combination, such as `sqlite-echo-none-none`, to a project."""

COMPONENT = "Chat.tsx"
"""The component in the README; it belongs to the page."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """A copy of a project to change, with the environment of the project it is a copy of.

    Attributes:
        folder: The copy.
        project: The project that was copied, installed.
        settings: The environment variables that the backend requires.
        warm_python: Runs mypy and the backends that its tests start; see `environments.warm`.
    """

    folder: Path
    project: Project
    settings: Mapping[str, str]
    warm_python: Path

    @classmethod
    def copy(
        cls, project: Project, folder: Path, settings: Mapping[str, str], warm_python: Path
    ) -> "Workshop":
        """Copy the project without its environment."""
        ignored = shutil.ignore_patterns(".venv", ".pytest_cache", "__pycache__", "chatkit.db*")
        shutil.copytree(project.path, folder, ignore=ignored)
        return cls(folder, project, settings, warm_python)

    def follow(self, section: str) -> None:
        """Carry out what a section of `docs/how-to.md` shows, step by step."""
        for block in blocks(section):
            if block.language == "sh":
                for line in block.text.splitlines():
                    self.run(*shlex.split(line))
            elif block.path != COMPONENT:
                path = self.folder / block.path
                if block.language == "diff":
                    text = patched(path.read_text(encoding="utf-8"), block.text)
                else:
                    assert not path.exists(), f"{block.path} is no new file"
                    text = block.text
                path.write_text(text, encoding="utf-8")

    def run(self, *command: str) -> str:
        """Run a command in the copy; fail with its output if it fails."""
        environment = {name: text for name, text in os.environ.items() if name != "VIRTUAL_ENV"}
        environment |= self.settings
        environment |= warm_programs(self.warm_python)
        environment |= {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTEST_DEBUG_TEMPROOT": str(self.folder.parent),
            "UV_NO_SYNC": "1",
            "UV_PROJECT_ENVIRONMENT": str(self.project.path / ".venv"),
        }
        return run(list(command), self.folder, 300, environment)

    def lint(self) -> None:
        """Run the checks that the README names."""
        python = str(launcher.project_python(self.project.path))
        self.run(python, "-m", "ruff", "check", "--no-cache")
        self.run(python, "-m", "ruff", "format", "--check", "--no-cache")
        # The step that runs the tests imports the libraries of the project's own environment.
        self.run(str(self.warm_python), "-m", "mypy", "--no-error-summary")


OpenWorkshop = Callable[[str], Workshop]
"""From the name of a combination to a copy of its project."""


def patched(text: str, diff: str) -> str:
    """Apply a diff, whose parts are separated by `@@`; it has no line numbers.

    Raises:
        AssertionError: The lines that a part keeps or removes do not occur exactly once.
    """
    for part in re.split(r"^@@\n", diff, flags=re.MULTILINE):
        lines = [line if line.strip() else " \n" for line in part.splitlines(keepends=True)]
        old = "".join(line[1:] for line in lines if line[0] in " -")
        new = "".join(line[1:] for line in lines if line[0] in " +")
        places = [match.start() for match in re.finditer(f"^{re.escape(old)}", text, re.MULTILINE)]
        assert old, "a part that neither keeps nor removes a line has no place"
        assert len(places) == 1, f"found {len(places)} times:\n{old}"
        text = text[: places[0]] + new + text[places[0] + len(old) :]
    return text
