"""Between any two durable stores all is moved as it was, even if the import is killed."""

import itertools
import json
import os
import random
import re
import secrets
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pytest_copier.plugin import CopierFixture

from chatkit_scaffold import launcher
from chatkit_scaffold.generator import questions
from tests.conftest import Services
from tests.matrix import POSSIBLE, Project, facts, the
from tests.proofs.export_file import ExportFile, write_export
from tests.proofs.projects import DURABLE

ITEMS = 4000
EARLIEST = 700_000
"""Bytes of the file; an import that has read so many, but for a full pipe, has written a batch."""

STORES = sorted(store for store in DURABLE if "transfer" in facts("store", store)["modules"])
PAIRS = list(itertools.permutations(STORES, 2))

pytestmark = pytest.mark.xdist_group("transfer")

Stores = Callable[[str], "Store"]


class Store:
    """A store of its own, which starts empty, and the project that uses it."""

    def __init__(self, project: Project, environment: dict[str, str], python: Path) -> None:
        self._project = project
        self._python = python
        self._environment = {**os.environ, **environment}

    def start(self, *words: str, **streams: Any) -> subprocess.Popen[bytes]:
        """Start a command of the project."""
        return self._start(launcher.project_python(self._project.path), *words, **streams)

    def load(self, path: Path, *options: str) -> str:
        """Import a file, and return what that reports."""
        with path.open("rb") as file:
            process = self.start("import", *options, stdin=file)
            report = process.communicate()[1].decode()
        assert process.returncode == 0, report
        return report

    def export(self, path: Path) -> Path:
        """Export to a file, and return it."""
        with path.open("wb") as file:
            process = self.start("export", stdout=file)
            report = process.communicate()[1].decode()
        assert process.returncode == 0, report
        return path

    def load_until_killed(self, path: Path, size: int) -> None:
        """Start to import a file, and kill that when it has read a part of *size* bytes."""
        # Not the Python that forks: a process of that would live on for a moment.
        process = self._start(self._python, "import", stdin=subprocess.PIPE)
        assert process.stdin is not None
        assert process.stderr is not None
        with path.open("rb") as file:
            # Returns when all but what fits into the pipe has been read.
            process.stdin.write(file.read(size))
            process.stdin.flush()
        process.kill()
        process.wait()
        process.stdin.close()
        process.stderr.close()

    def _start(self, python: Path, *words: str, **streams: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(python), "-m", "app", *words],
            cwd=self._project.path,
            env=self._environment,
            stderr=subprocess.PIPE,
            **streams,
        )


@pytest.fixture(scope="module")
def new_store(
    copier_template: Path,
    outside_folder: Path,
    everything: Path,
    warm_environment: Path,
    services: Services,
) -> Stores:
    """Return a function that returns an empty store of a kind."""

    @cache
    def project(store: str) -> Project:
        name = the(store=store, auth="session")
        (answers,) = (one for one in POSSIBLE if questions.combination_name(one) == name)
        folder = outside_folder / f"transfer-{store}"
        with pytest.MonkeyPatch.context() as patch:
            CopierFixture(copier_template, {}, patch).copy(folder, name="backend", **answers)
        (folder / ".venv").symlink_to(warm_environment)
        return Project(name, folder, answers)

    def create(store: str) -> Store:
        parts = [services(axis, choice)() for axis, choice in project(store).answers.items()]
        environment = {name: text for part in parts for name, text in part.items()}
        return Store(project(store), environment, launcher.project_python(everything))

    return create


@pytest.fixture(scope="module")
def original(outside_folder: Path) -> ExportFile:
    """What all stores get."""
    return write_export(outside_folder / "original.jsonl", ITEMS)


@pytest.fixture(scope="module")
def exported(
    new_store: Stores, original: ExportFile, outside_folder: Path
) -> Callable[[str], Path]:
    """Return a function that returns what a kind of store exports after it got the original."""

    @cache
    def export(store: str) -> Path:
        source = new_store(store)
        source.load(original.path)
        return source.export(outside_folder / f"{store}.jsonl")

    return export


@pytest.mark.parametrize(("source", "target"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
def test_everything_is_moved(  # noqa: PLR0917 - fixtures
    new_store: Stores,
    exported: Callable[[str], Path],
    original: ExportFile,
    tmp_path: Path,
    source: str,
    target: str,
    record_property: Callable[[str, str], None],
) -> None:
    """Kill an import at a random batch and resume it; then the target exports what it got."""
    file = exported(source)
    store = new_store(target)
    seed = secrets.randbelow(1_000_000)
    chance = random.Random(seed)  # noqa: S311 - a moment, not a secret
    cut = chance.randrange(EARLIEST, file.stat().st_size)

    store.load_until_killed(file, cut)
    report = store.load(file, "--resume")

    found = re.search(r", ([\d,]+) of them before", report)
    assert found, f"seed {seed}: {report}"
    assert original.digest in report
    again = store.export(tmp_path / "again.jsonl")
    assert footer(again)["digest"] == original.digest, f"seed {seed}"
    assert footer(again)["counts"] == original.counts
    assert lines(again) == lines(original.path)
    record_property(f"{source} to {target}, killed and resumed after", f"{found[1]} entries")


def footer(path: Path) -> dict[str, Any]:
    """Return the last line of an export."""
    last: dict[str, Any] = json.loads(path.read_bytes().splitlines()[-1])
    return last


def lines(path: Path) -> list[dict[str, Any]]:
    """Return all other lines, without the times that not every store keeps."""
    parsed = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-2]]
    return [{name: line[name] for name in line if name != "rated_at"} for line in parsed]
