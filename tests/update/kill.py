"""Runs a program that is killed at one point of its way.

    python -m tests.update.kill POINT VICTIM DELAY MODULE [ARGUMENT]…

POINT counts what happens to the processes that the program starts: it is about to start one (1, 3,
5 …), or it has started one (2, 4, 6 …). VICTIM is `self` or `group`, DELAY the seconds from the
point to the kill. At the end, the number of points goes to the file in KILL_POINTS.
"""

import os
import runpy
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.command import REPOSITORY

_MARK = "KILL_RUN"
_POINTS = "KILL_POINTS"


@dataclass(frozen=True, slots=True)
class Kill:
    """When to kill what.

    Attributes:
        point: See the module.
        victim: The program's process, or its process group.
        delay: Seconds after the point.
    """

    point: int
    victim: Literal["self", "group"] = "self"
    delay: float = 0


def points_of(command: Sequence[str], cwd: Path, *, status: int = 0) -> int:
    """Run a module with its arguments, without a kill, and return how many points it passes.

    Args:
        command: The module and its arguments.
        cwd: The working directory.
        status: The exit status to expect.
    """
    file = cwd / f"points-{uuid.uuid4()}"
    done = _run(Kill(point=0), command, cwd, {_POINTS: str(file)})
    assert done.returncode == status, done.stderr
    number = int(file.read_text())
    file.unlink()
    return number


def run_killed(kill: Kill, command: Sequence[str], cwd: Path) -> bool:
    """Run a module with its arguments, wait for all its processes, and return if it was killed."""
    return _run(kill, command, cwd, {}).returncode == -signal.SIGKILL


def _run(
    kill: Kill, command: Sequence[str], cwd: Path, extra: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    mark = str(uuid.uuid4())
    words = (str(kill.point), kill.victim, str(kill.delay))
    done = subprocess.run(
        [sys.executable, "-m", "tests.update.kill", *words, *command],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), _MARK: mark, **extra},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while orphans := processes_with(f"{_MARK}={mark}"):
        assert time.monotonic() < deadline, f"{orphans} of the killed program still run"
        time.sleep(0.02)
    return done


def processes_with(variable: str) -> list[int]:
    """Return the processes that have `NAME=value` in their environment, except this one."""
    found = (path for path in Path("/proc").glob("[0-9]*/environ") if _has(path, variable))
    return [pid for path in found if (pid := int(path.parent.name)) != os.getpid()]


def _has(path: Path, variable: str) -> bool:
    try:
        return variable.encode() in path.read_bytes().split(b"\0")
    except OSError:  # It has just ended, or belongs to another user.
        return False


def main() -> None:
    """Run the module of the command line."""
    point, victim, delay, module, *arguments = sys.argv[1:]
    passed = 0

    def kill() -> None:
        if victim == "group":
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    def pass_point() -> None:
        nonlocal passed
        passed += 1
        if passed == int(point):
            if not float(delay):
                kill()
            threading.Timer(float(delay), kill).start()

    start = subprocess.Popen.__init__

    def watched(self: Any, *positional: Any, **named: Any) -> None:
        pass_point()
        start(self, *positional, **named)
        pass_point()

    subprocess.Popen.__init__ = watched  # type: ignore[method-assign]
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        if path := os.environ.get(_POINTS):
            Path(path).write_text(str(passed), encoding="utf-8")


if __name__ == "__main__":
    main()
