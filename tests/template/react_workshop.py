"""The React pages of projects, side by side in a folder with the packages that all of them have."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatkit_scaffold import launcher
from tests.command import REPOSITORY
from tests.matrix import Project, run

PACKAGE = REPOSITORY / "template/project/{% if frontend == 'react' %}web{% endif %}/package.json"
"""What every page installs."""
_SOURCE = Path(__file__).parent / "react"
_DEADLINE = 30.0
"""Seconds in which the development server has to start."""


@dataclass(frozen=True, slots=True)
class ReactWorkshop:
    """Checks, builds and runs pages.

    Attributes:
        folder: Where the packages are installed; the projects are in it, each with its page.
    """

    folder: Path

    @classmethod
    def install(cls, folder: Path, package: Path) -> "ReactWorkshop":
        """Install what a `package.json` names, at the locked versions; they must fit."""
        if shutil.which("npm") is None:
            pytest.fail("npm was not found: these tests need Node.js 20.19 or newer", pytrace=False)
        shutil.copytree(_SOURCE, folder, dirs_exist_ok=True)
        shutil.copy(package, folder)
        quick = ("--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
        run(["npm", "ci", *quick], folder, timeout=300)
        return cls(folder)

    def add(self, project: Project, name: str) -> Path:
        """Copy a project, and return the copy."""
        copy = self.folder / name
        shutil.copytree(project.path, copy, ignore=shutil.ignore_patterns(".venv"))
        return copy

    def tool(self, name: str, *arguments: str, folder: Path | None = None) -> str:
        """Run a program of the packages and return what it prints; fail with that if it fails."""
        program = str(self.folder / "node_modules" / ".bin" / name)
        return run([program, *arguments], folder or self.folder, timeout=120)

    def npm(self, *arguments: str, folder: Path) -> None:
        """Run npm in a folder; fail with what it prints if it fails."""
        run(["npm", *arguments], folder, timeout=120)

    def complaints(self, name: str, *arguments: str, folder: Path) -> str:
        """Run a program of the packages that has to fail, and return what it prints."""
        done = subprocess.run(
            [self.folder / "node_modules" / ".bin" / name, *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        return done.stdout

    def authorized(self, project: Path, *, refusals: int) -> Any:
        """Send a request through the `authFetch` of a project's page.

        Args:
            project: The project.
            refusals: How many requests the backend refuses.

        Returns:
            The status, and path and headers of all requests.
        """
        module = project / "out" / "auth.js"
        if not module.exists():
            to_module = ("--ssr", "src/auth.tsx", "--outDir", "../out")
            self.tool("vite", "build", *to_module, folder=project / "web")
        printed = run(
            ["node", "authorized.mjs", module.as_uri(), str(refusals)], self.folder, timeout=30
        )
        return json.loads(printed)

    @contextmanager
    def development_server(self, project: Path, backend: launcher.Server) -> Iterator[str]:
        """Run `vite` in front of a backend; yield its address once it answers."""
        port = launcher.free_port()
        url = f"http://localhost:{port}"
        with subprocess.Popen(
            [self.folder / "node_modules/.bin/vite", "--port", str(port), "--strictPort"],
            cwd=project / "web",
            env={**os.environ, "PORT": backend.environment["PORT"]},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        ) as process:
            try:
                _wait(process, url)
                yield url
            finally:
                process.terminate()


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + _DEADLINE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            assert "/src/main.tsx" in httpx.get(url, trust_env=False).text
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("vite does not answer", pytrace=False)
