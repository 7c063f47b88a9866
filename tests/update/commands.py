"""The installed command, as a user runs it who has no network and a home folder of their own."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from chatkit_scaffold import __version__
from tests.command import git

NOWHERE = "http://127.0.0.1:9"
"""Where nothing listens."""
OFFLINE = {"HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "ALL_PROXY": NOWHERE, "NO_PROXY": ""}


@dataclass(frozen=True, slots=True)
class Command:
    """A command, and where it runs.

    Attributes:
        programs: The folder of programs of its environment.
        home: The user's home folder.
        environment: More variables.
    """

    programs: Path
    home: Path
    environment: Mapping[str, str]

    def run(self, folder: Path, *arguments: str | Path, status: int = 0) -> str:
        """Run `chatkit-scaffold` and return its output; the exit status must be *status*."""
        return self.run_program("chatkit-scaffold", folder, *arguments, status=status)

    def run_program(
        self, program: str, folder: Path, *arguments: str | Path, status: int = 0
    ) -> str:
        """Run a program of the environment, see `run`."""
        done = subprocess.run(
            [self.programs / program, *arguments],
            cwd=folder,
            env=self.variables(),
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        assert done.returncode == status, output
        assert "Traceback" not in output
        if status == 2:
            assert re.fullmatch(r"error: .+\n hint: .+\n", done.stderr), output
        return output

    def variables(self) -> dict[str, str]:
        """Return the whole environment."""
        own = {"HOME": str(self.home), "GIT_ALLOW_PROTOCOL": "file", **OFFLINE}
        # The tests' own git configuration would take the place of the user's.
        left_out = ("PYTHON", "GIT_CONFIG")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
        return {**kept, **own, **self.environment}

    def at(self, home: Path) -> "Command":
        """Return the same with another home folder."""
        return replace(self, home=home)

    def with_variables(self, **more: str) -> "Command":
        """Return the same with more variables."""
        return replace(self, environment={**self.environment, **more})


def build(root: Path, version: str, folder: Path) -> Path:
    """Install the wheel of a clone in an environment of its own; return its programs."""
    package = root / "chatkit_scaffold" / "__init__.py"
    text = package.read_text(encoding="utf-8")
    package.write_text(text.replace(__version__, version), encoding="utf-8")
    git(root, "commit", "--quiet", "--allow-empty", "--all", f"--message=version {version}")
    uv, python = (sys.executable, "-m", "uv"), ("--quiet", "--python", sys.executable)
    built = ("build", "--wheel", "--no-build-isolation", "--out-dir", folder, root)
    subprocess.run([*uv, *built, *python], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*uv, "venv", *python, folder / "venv"], check=True)
    programs = folder / "venv" / "bin"
    install = ("pip", "install", "--quiet", "--python", programs / "python")
    locked = ("--constraint", root / "requirements.lock", wheel)
    subprocess.run([*uv, *install, *locked], check=True)
    return programs


def commit_all(project: Path) -> None:
    """Make a repository of a project, or commit what has changed in it."""
    if not (project / ".git").exists():
        git(project, "init", "--quiet", "--initial-branch=main")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message=project")
