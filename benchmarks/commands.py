"""What the command adds to Typer's `--help` and to `copier copy`."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.lab import REPOSITORY, Lab, python_path
from benchmarks.table import Row

_HELP_WANTED, _NEW_WANTED = 1.5, 1.2
_OURS = (sys.executable, "-m", "chatkit_scaffold")


def measure(lab: Lab) -> Iterator[Row]:
    """Run each command and its counterpart by turns."""
    yield _compare(
        "chatkit-scaffold --help ÷ a bare Typer app's",
        lambda: _run(*_OURS, "--help"),
        lambda: _run(sys.executable, "-m", "benchmarks.apps.commands", "--help"),
        _HELP_WANTED,
        lab.rounds * 2,
    )
    folder = lab.folder / "created"
    # Both make a project with the defaults, whose name is the folder's.
    yield _compare(
        "new --defaults --no-git ÷ copier copy",
        lambda: _create(folder, [*_OURS, "new", str(folder), "--defaults", "--no-git"]),
        lambda: _create(folder, [*_copier(), str(REPOSITORY), str(folder)]),
        _NEW_WANTED,
        lab.rounds,
    )


def _compare(
    name: str,
    ours: Callable[[], float],
    theirs: Callable[[], float],
    at_most: float,
    rounds: int,
) -> Row:
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return Row(
        name,
        f"{median(one for one, _ in pairs):.0f} ÷ {median(one for _, one in pairs):.0f} ms",
        median(one / other for one, other in pairs),
        at_most=at_most,
    )


def _create(folder: Path, command: Sequence[str]) -> float:
    shutil.rmtree(folder, ignore_errors=True)
    return _run(*command)


def _copier() -> list[str]:
    return [sys.executable, "-m", "copier", "copy", "--quiet", "--defaults", "--vcs-ref", "HEAD"]


def _run(*command: str) -> float:
    """Run a command and return the milliseconds that it takes."""
    begin = time.perf_counter()
    subprocess.run(
        command,
        env={**os.environ, **python_path()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return (time.perf_counter() - begin) * 1000
