"""Authors who know only the report, and do what it says, end with a backend that passes.

Each folder of `fixthrough` is the work of one: a backend that is broken in several ways at once,
and a patch for each round. Before its diff, a patch names the failed checks whose advice it follows
and, where a check has several, words of the advice that it got.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from chatkit_scaffold.conformance.check import Outcome
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.conformance.suite import run_checks
from tests.conformance.servers import quickstart, tutorial
from tests.conformance.servers.serving import App, serve

FOLDER = Path(__file__).with_name("fixthrough")
MOST_ROUNDS = 4
ALICE = {"Authorization": "Bearer alice-token"}
BOB = {"Authorization": "Bearer bob-token"}


@dataclass(frozen=True, slots=True)
class Backend:
    """A broken backend.

    Attributes:
        name: The folder with its patches.
        source: Its module, with `app` or `build`; by default, `app.py` in the folder.
        path: Its ChatKit route.
        has_users: Whether it has users; otherwise the checks pass no credentials.
    """

    name: str
    source: str = ""
    path: str = "/chatkit"
    has_users: bool = True

    def patches(self) -> list[Path]:
        """Return the patches, in order."""
        return sorted((FOLDER / self.name).glob("*.patch"))

    @property
    def module(self) -> Path:
        """The module as its author first wrote it."""
        return Path(self.source or FOLDER / self.name / "app.py")

    def check(self, module: Path) -> Report:
        """Check the backend in *module*."""
        with serve(_load(module), self.path) as url:
            return run_checks(
                url,
                headers=ALICE if self.has_users else None,
                other_headers=BOB if self.has_users else None,
                timeout=5.0,
            )


BACKENDS = [
    Backend("quickstart", source=quickstart.__file__, has_users=False),
    Backend("tutorial", source=tutorial.__file__, path="/agent/chatkit", has_users=False),
    Backend("notes"),
    Backend("todo", path="/api/chatkit"),
    Backend("desk"),
]


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_advice_leads_to_a_backend_that_passes(backend: Backend, tmp_path: Path) -> None:
    """Every round's advice fixes what it is about, breaks nothing, and leads to exit status 0."""
    module = _copy(backend.module, tmp_path / "0")
    report = backend.check(module)
    assert report.exit_status() == 1
    patches = backend.patches()
    assert len(patches) <= MOST_ROUNDS
    for number, patch in enumerate(patches, start=1):
        followed = _followed(patch)
        assert followed <= _ids(report, Outcome.FAILED)
        assert report.most_important()[0].first.check.id in followed
        fixes = {result.check.id: result.fix for result in report.failures}
        for check_id, words in _advice(patch):
            assert words in fixes[check_id]
        passed = _ids(report, Outcome.PASSED)
        module = _copy(module, tmp_path / str(number))
        _apply(patch, module.parent)
        report = backend.check(module)
        assert followed <= _ids(report, Outcome.PASSED), "advice that changes nothing"
        assert not passed & _ids(report, Outcome.FAILED), "advice that breaks something"
    assert report.exit_status() == 0


def _ids(report: Report, outcome: Outcome) -> set[str]:
    assert report.errors == []
    return {result.check.id for result in report.results if result.outcome is outcome}


def _followed(patch: Path) -> set[str]:
    """Return the ids of the checks whose advice a patch follows."""
    found = re.search(r"^Follows: (.+)$", patch.read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    return set(found.group(1).split(", "))


def _advice(patch: Path) -> list[tuple[str, str]]:
    """Return ids of checks with words of the advice that a patch follows."""
    text = patch.read_text(encoding="utf-8")
    return re.findall(r"^Advice of ([a-z0-9-]+): (.+)$", text, re.MULTILINE)


def _copy(module: Path, folder: Path) -> Path:
    """Copy a module to a new folder, without the data of the backend that ran in the old one."""
    folder.mkdir()
    return Path(shutil.copy(module, folder / "app.py"))


def _apply(patch: Path, folder: Path) -> None:
    # Inside of a repository, git would skip files that the repository ignores.
    outside = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    subprocess.run(["git", "apply", str(patch)], cwd=folder, env=outside, check=True)


def _load(module: Path) -> App:
    """Import a module that is in no package; return its application."""
    spec = importlib.util.spec_from_file_location(f"{module.parent.name}_app", module)
    assert spec is not None
    assert spec.loader is not None
    backend = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(backend)
    application: App = backend.app if hasattr(backend, "app") else backend.build()
    return application
