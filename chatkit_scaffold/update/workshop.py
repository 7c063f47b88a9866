"""The result of a merge as files in a temporary folder: its lock is renewed there, and it is tried.

A temporary index, and no work tree that git knows of: a run that is killed leaves nothing behind in
the user's repository.
"""

import os
import signal
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from chatkit_scaffold import launcher
from chatkit_scaffold.errors import ScaffoldError, ToolError
from chatkit_scaffold.generator.choices import parse_variables
from chatkit_scaffold.text import shorten
from chatkit_scaffold.update.outcome import Checked, Files, Merged
from chatkit_scaffold.update.repository import Repository
from chatkit_scaffold.update.trees import Entry, Trees
from chatkit_scaffold.verify import check_installed

LOCK = "uv.lock"
_PYPROJECT = "pyproject.toml"

_CHECKING_OUT = {
    "core.sparseCheckout": "false",
    "core.fsmonitor": "false",
    "core.splitIndex": "false",
    # Without the large files themselves, if they cannot be fetched.
    "filter.lfs.required": "false",
}
_NO_TESTS = 5
"""The exit status of pytest when there are none."""
_GRACE = 15.0
"""Seconds in which interrupted tests may stop what they have started."""


@contextmanager
def workshop(repository: Repository, tree: str) -> Iterator[Path]:
    """Yield a temporary folder with the files of a project's *tree*."""
    with tempfile.TemporaryDirectory(
        prefix="chatkit-scaffold-", ignore_cleanup_errors=True
    ) as temporary:
        folder, index = Path(temporary) / "project", Path(temporary) / "index"
        folder.mkdir()
        repository.git("read-tree", tree, index=index, config=_CHECKING_OUT)
        repository.git(
            *("checkout-index", "--all"), index=index, work_tree=folder, config=_CHECKING_OUT
        )
        yield folder


def renew_lock(repository: Repository, folder: Path, merged: Merged) -> Merged:
    """Return the result with a lock that fits its requirements, or with a notice how to get it.

    Args:
        repository: The user's.
        folder: The `workshop` with the result.
        merged: The result.
    """
    if not _requirements_differ(repository, merged):
        return merged
    if obstacle := _left_alone(repository, folder, merged):
        return _with_notice(merged, obstacle)
    if not (folder / LOCK).is_file():
        return merged
    old = (folder / LOCK).read_bytes()
    try:
        launcher.lock(folder)
    except ToolError as error:
        reason = shorten(error.message.replace(str(folder), "the project"))
        return _with_notice(merged, f"{LOCK} was not updated, so run uv lock: {reason}")
    return merged if (folder / LOCK).read_bytes() == old else _with_lock(repository, folder, merged)


def _left_alone(repository: Repository, folder: Path, merged: Merged) -> str | None:
    """Return the notice of why the lock cannot be renewed here, if that is so."""
    if top := _workspace(repository):
        return f"{LOCK} in {top} was not updated: run uv lock there"
    if (folder / LOCK).is_symlink():
        # uv would write to wherever it leads.
        return f"{LOCK} is a link and was left alone: run uv lock"
    if (folder / LOCK).is_file() and any(each.path == _PYPROJECT for each in merged.conflicts):
        return f"{LOCK} was not updated: resolve the conflicts in {_PYPROJECT}, then run uv lock"
    return None


def check(folder: Path) -> Checked:
    """Run the project's own tests in the `workshop` *folder*, then the protocol check.

    Raises:
        ToolError: uv is not installed.
    """
    launcher.require_uv()
    try:
        launcher.install(folder)
    except ToolError as error:
        return _unfinished(folder, error, tests_passed=False, tests="not run")
    tests_passed, tests = _own_tests(folder)
    example = folder / ".env.example"
    lines = example.read_text(encoding="utf-8", errors="replace") if example.is_file() else ""
    needed = [variable for variable in parse_variables(lines.splitlines()) if variable.required]
    try:
        report = check_installed(folder, needed)
    # What a project prints where we expect a port, a token or JSON may be anything.
    except (ScaffoldError, OSError, ValueError, LookupError) as error:
        return _unfinished(folder, error, tests_passed=tests_passed, tests=tests)
    return Checked(
        tests_passed, tests, report.summary(), passed=tests_passed and report.exit_status() == 0
    )


def _unfinished(folder: Path, error: Exception, *, tests_passed: bool, tests: str) -> Checked:
    problem = shorten(str(error).replace(str(folder), "the project"))
    return Checked(tests_passed, tests, protocol=None, passed=False, problem=problem)


def _own_tests(folder: Path) -> tuple[bool, str]:
    """Return whether the project's tests passed, and the last line that they printed."""
    with tempfile.TemporaryFile() as output:
        # A file, because a process that they leave running would keep a pipe open.
        process = subprocess.Popen(
            [*launcher.require_uv(), "run", "--no-sync", "pytest", "-q", "--color=no"],
            cwd=folder,
            env=launcher.uv_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait()
        finally:
            _end(process)
        output.seek(0)
        printed = output.read().decode("utf-8", "replace")
    return status in (0, _NO_TESTS), shorten(launcher.last_line(printed))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the tests if they still run, and whatever they have left running."""
    if os.name == "nt":
        process.kill()
        return
    with suppress(ProcessLookupError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _requirements_differ(repository: Repository, merged: Merged) -> bool:
    """Return whether the update changes the file with the requirements."""
    path = f"{repository.prefix}/{_PYPROJECT}".removeprefix("/")
    objects = (f"HEAD:{path}", f"{merged.tree}:{_PYPROJECT}")
    before, after = (
        repository.git("rev-parse", "--verify", "--quiet", name, ok=(0, 1)) for name in objects
    )
    return bool(after) and before != after


def _workspace(repository: Repository) -> Path | None:
    """Return the folder of the uv workspace that the project is a member of, if it is one."""
    project = repository.project
    for folder in project.parents:
        if not folder.is_relative_to(repository.root):
            return None
        if _has_member(folder, project):
            return folder
    return None


def _has_member(folder: Path, project: Path) -> bool:
    try:
        pyproject = tomllib.loads((folder / _PYPROJECT).read_text(encoding="utf-8"))
        workspace = pyproject["tool"]["uv"]["workspace"]
        members, excluded = (
            {found for pattern in workspace.get(key, ()) for found in folder.glob(pattern)}
            for key in ("members", "exclude")
        )
    # No such file, or not what uv expects; then uv says so, not we.
    except (OSError, ValueError, LookupError, TypeError, AttributeError, NotImplementedError):
        return False
    return project in members - excluded


def _with_lock(repository: Repository, folder: Path, merged: Merged) -> Merged:
    path = f"{repository.prefix}/{LOCK}".removeprefix("/")
    blob = repository.git("hash-object", "-w", f"--path={path}", str(folder / LOCK))
    trees = Trees(repository)
    entries = trees.read(merged.tree)
    entries[LOCK] = Entry(entries[LOCK].mode, blob)
    return replace(merged, tree=trees.write(entries), files=_with_updated_lock(merged.files))


def _with_updated_lock(files: Files) -> Files:
    updated = tuple(sorted({*files.updated, LOCK}))
    return replace(files, updated=updated, kept=tuple(path for path in files.kept if path != LOCK))


def _with_notice(merged: Merged, notice: str) -> Merged:
    return replace(merged, notices=(*merged.notices, notice))
