"""Switches a work tree to an update, in a process that outlives the command.

Started with a plan on its standard input, by the path of this file, so it imports nothing but the
standard library. In a session of its own, it completes what it began even if the command, or
its process group, is killed. It begins only with a complete plan, and undoes what failed.
"""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypedDict


class Step(TypedDict):
    """A command of git, and what it reads."""

    arguments: list[str]
    text: str


class Plan(TypedDict):
    """What to do, all of it prepared.

    Attributes:
        root: The top of the work tree, where all commands run.
        git: What every command begins with.
        environment: Their environment.
        index: The path of the index.
        added: The paths that the update adds to the work tree.
        changed: The paths that it changes or removes.
        claim: The command that makes the new branch, and fails if another update made it.
        steps: The commands that switch to the update.
        message: A path and its content, for the commit that follows; None for none.
        back: The command that returns to where HEAD was, once index and files are as they were.
        forget: The command that deletes the new branch.
    """

    root: str
    git: list[str]
    environment: dict[str, str]
    index: str
    added: list[str]
    changed: list[str]
    claim: Step
    steps: list[Step]
    message: tuple[str, str] | None
    back: Step
    forget: Step


class Outcome(TypedDict):
    """How it went.

    Attributes:
        problem: Why a step failed; None if all is done.
        restored: Whether everything is as it was, after a failure.
    """

    problem: str | None
    restored: bool


class _StepError(Exception):
    """A step failed."""


def switch(plan: Plan) -> Outcome:
    """Switch to the update, or undo what was done of it."""
    root = Path(plan["root"])
    before = {path: _state(root / path) for path in (*plan["added"], *plan["changed"])}
    index = Path(plan["index"]).read_bytes()
    if appeared := [path for path in plan["added"] if before[path]]:
        return {"problem": f"{appeared[0]} exists now", "restored": True}
    try:
        _run(plan, plan["claim"])
    except _StepError as error:
        # Index and files may be those of the other update: there is nothing of ours to undo.
        return {"problem": str(error), "restored": True}
    try:
        for step in plan["steps"]:
            _run(plan, step)
        if plan["message"]:
            path, text = plan["message"]
            Path(path).write_text(text, encoding="utf-8", errors="surrogateescape")
    except (_StepError, OSError) as error:
        return {"problem": str(error), "restored": _undo(plan, before, index)}
    return {"problem": None, "restored": False}


def _undo(plan: Plan, before: Mapping[str, object], index: bytes) -> bool:
    """Bring back index, files and branch; return whether that worked.

    A file that is still as it was before the first step is left alone: if it is not as the index
    has it, somebody is writing it, which may be why a step failed.
    """
    root = Path(plan["root"])
    touched = [path for path, state in before.items() if _state(root / path) != state]
    try:
        for path in touched:
            if before[path] is None:
                _remove(root, path)
        _restore_index(Path(plan["index"]), index)
        lost = "".join(f"{path}\0" for path in touched if before[path])
        arguments = ["checkout-index", "--force", "-z", "--stdin"]
        _run(plan, {"arguments": arguments, "text": lost})
        _run(plan, plan["back"])
    except (_StepError, OSError):
        return False
    with suppress(_StepError):  # It may not have been made.
        _run(plan, plan["forget"])
    return True


def _restore_index(index: Path, content: bytes) -> None:
    """Write the index as git does: completely, then under its name."""
    if index.read_bytes() == content:
        return
    lock = index.with_name("index.lock")
    with lock.open("xb") as file:
        file.write(content)
    lock.replace(index)


def _remove(root: Path, path: str) -> None:
    """Remove a file, and the folders that were made for it."""
    (root / path).unlink()
    with suppress(OSError):  # The first folder with other files in it.
        for folder in (root / path).parents:
            folder.rmdir()


def _state(path: Path) -> tuple[int, ...] | None:
    """Return what changes when git writes a file; None without a file."""
    try:
        found = path.lstat()
    except OSError:
        return None
    if stat.S_ISDIR(found.st_mode):
        return None
    return found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns


def _run(plan: Plan, step: Step) -> None:
    done = subprocess.run(
        [*plan["git"], *step["arguments"]],
        cwd=plan["root"],
        env=plan["environment"],
        input=step["text"],
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
    )
    if done.returncode < 0:
        # git removes its lock except when it is killed.
        with suppress(OSError):
            Path(plan["index"]).with_name("index.lock").unlink()
        raise _StepError(f"git was killed by signal {-done.returncode}")
    if done.returncode:
        raise _StepError(_reason(done.stderr))


def _reason(output: str) -> str:
    """Return git's reason, with the first file that it names on a line of its own."""
    lines = [line for line in output.splitlines() if line.strip()] or ["no message"]
    fatal = [line for line in lines if line.startswith("fatal: ")]
    errors = [line for line in lines if line.startswith("error: ")]
    reason = (fatal or errors or lines)[0].partition(": ")[2] or lines[0]
    files = [line.strip() for line in lines if line.startswith("\t")]
    return f"{reason} {files[0]}" if files else reason


def main() -> None:
    """Read a plan, follow it and write the outcome."""
    plan: Any = json.load(sys.stdin)
    outcome = switch(plan)
    with suppress(OSError):  # The command was killed, and nobody reads.
        os.write(sys.stdout.fileno(), json.dumps(outcome).encode())


if __name__ == "__main__":
    main()
