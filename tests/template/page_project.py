"""A React project: the packages of `tests/template/page`, installed by npm, and a `Chat.tsx`."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.matrix import run

_SOURCE = Path(__file__).parent / "page"


@dataclass(frozen=True, slots=True)
class PageProject:
    """Compiles the component that a page shows, and runs it.

    Attributes:
        folder: Where the packages are installed.
    """

    folder: Path

    @classmethod
    def install(cls, folder: Path) -> "PageProject":
        """Install the packages at their locked versions."""
        if shutil.which("npm") is None:
            pytest.fail("npm was not found: these tests need Node.js 20 or newer", pytrace=False)
        shutil.copytree(_SOURCE, folder, dirs_exist_ok=True)
        run(["npm", "ci", "--ignore-scripts"], folder, timeout=300)
        return cls(folder)

    def compile(self, component: str) -> str:
        """Compile the component and return what is wrong with it; empty if nothing is."""
        source = self.folder / "src" / "Chat.tsx"
        source.parent.mkdir(exist_ok=True)
        source.write_text(component, encoding="utf-8")
        return self._check("tsconfig.json")

    def check_page(self, files: dict[str, str]) -> str:
        """Return what is wrong with the JavaScript of a page, by the types of ChatKit's element.

        Args:
            files: The modules' code by name.
        """
        shutil.rmtree(self.folder / "web", ignore_errors=True)
        (self.folder / "web").mkdir()
        for name, code in files.items():
            (self.folder / "web" / name).write_text(code, encoding="utf-8")
        return self._check("tsconfig.web.json")

    def _check(self, configuration: str) -> str:
        done = subprocess.run(
            ["node_modules/.bin/tsc", "--project", configuration],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout

    def headers_sent(self, component: str) -> list[dict[str, str]]:
        """Return the headers of a request that has its own, and of one without any."""
        headers: list[dict[str, str]] = self._run(component, "send.mjs")
        return headers

    def calls_made(self, component: str) -> list[list[str]]:
        """Return path, method and credentials of what the browser is asked to send.

        ChatKit sends one request, and two at once afterwards; the first response is a failure.
        """
        calls: list[list[str]] = self._run(component, "calls.mjs")
        return calls

    def _run(self, component: str, script: str) -> Any:
        """Run a script with the compiled component, and return the JSON that it prints."""
        assert self.compile(component) == ""
        done = subprocess.run(
            ["node", script], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
