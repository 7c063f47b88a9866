"""What we ask of git: a project's first commit, and facts about the folders around it."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from chatkit_scaffold.errors import ToolError

# Set while git runs a hook; they would direct every command at the hook's repository.
OUTER_REPOSITORY = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
)

_UNTRUSTED = re.compile("detected dubious ownership in repository at '(.*)'")

_AS_IT_IS: Mapping[str, str] = {}

_AUTHOR = {"user.name": "chatkit-scaffold", "user.email": "chatkit-scaffold@localhost"}
_PLAIN = ("-c", "commit.gpgsign=false", "-c", f"core.hooksPath={os.devnull}")


def as_alternate(objects: Path) -> str:
    """Return a folder of objects as `GIT_ALTERNATE_OBJECT_DIRECTORIES` takes it.

    Without quotes, git takes a colon in it for the end of the folder's name.
    """
    path = str(objects)
    if os.pathsep not in path and not path.startswith('"'):
        return path
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def require_git() -> None:
    """Check that git is installed.

    Raises:
        ToolError: It is not on the PATH.
    """
    if shutil.which("git") is None:
        raise ToolError(
            "git is not installed, but is needed to read the template",
            hint="Install git from https://git-scm.com and try again.",
        )


def first_commit(project: Path) -> str:
    """Make *project* a repository on branch main, commit everything, and return the commit.

    Works without a configured author, and runs none of the user's hooks.

    Raises:
        ToolError: git failed; the message is git's.
    """
    _git(project, "init", "--quiet", "--initial-branch=main", "--template=")
    _git(project, "add", "--all")
    _git(
        project,
        *author_options(project),
        *_PLAIN,
        "commit",
        "--quiet",
        "--message=Create the backend",
    )
    return _git(project, "rev-parse", "HEAD")


def author_options(folder: Path) -> list[str]:
    """Return options for git that give a commit in *folder* an author if none is configured."""
    return [part for key in _AUTHOR if not _configured(folder, key) for part in _option(key)]


def enclosing_repository(folder: Path) -> Path | None:
    """Return the work tree that would track *folder*, or None if no repository would."""
    nearest = next(path for path in (folder, *folder.parents) if path.is_dir())
    found = _run(nearest, "rev-parse", "--show-toplevel")
    if found.returncode != 0:
        return None
    ignored = _run(nearest, "check-ignore", "--quiet", "--", str(folder)).returncode == 0
    return None if ignored else Path(found.stdout.strip())


def is_repository_root(folder: Path) -> bool:
    """Return whether *folder* is the top of a work tree."""
    found = _run(folder, "rev-parse", "--show-toplevel")
    return found.returncode == 0 and Path(found.stdout.strip()).resolve() == folder.resolve()


def has_commit(folder: Path) -> bool:
    """Return whether the repository in *folder* has a commit."""
    return _run(folder, "rev-parse", "--verify", "--quiet", "HEAD").returncode == 0


def refuse_untrusted(folder: Path) -> None:
    """Check that git reads the repository around *folder*, if there is one.

    Raises:
        ToolError: It belongs to another user, and git was not told to trust it.
    """
    if found := ownership_error(_run(folder, "rev-parse", "--git-dir").stderr):
        raise found


def ownership_error(output: str) -> ToolError | None:
    """Return our error if *output* is git's refusal to read another user's repository."""
    if found := _UNTRUSTED.search(output):
        return ToolError(
            f"git does not read {found[1]}, which belongs to another user",
            hint=f"If you trust it: git config --global --add safe.directory {found[1]}",
        )
    return None


def read(
    folder: Path, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] = _AS_IT_IS
) -> bytes:
    """Run git in a folder and return what it prints.

    Args:
        folder: The working directory.
        arguments: The command and its arguments.
        stdin: What git reads.
        environment: Variables for git.

    Raises:
        ToolError: git failed; the message is git's.
    """
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**_environment(), **environment},
        input=stdin,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise ToolError(_last_line(done.stderr.decode("utf-8", "replace")))
    return done.stdout


def _configured(folder: Path, key: str) -> bool:
    variable = f"GIT_AUTHOR_{key.removeprefix('user.').upper()}"
    return variable in os.environ or _run(folder, "config", "--get", key).returncode == 0


def _option(key: str) -> tuple[str, str]:
    return "-c", f"{key}={_AUTHOR[key]}"


def _git(folder: Path, *arguments: str) -> str:
    done = _run(folder, *arguments)
    if done.returncode != 0:
        raise ToolError(
            f"git failed in the new project: {_last_line(done.stderr.strip() or done.stdout)}",
            hint="Fix git's configuration, or use --no-git and commit the project yourself.",
        )
    return done.stdout.strip()


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _environment() -> dict[str, str]:
    """Return the environment without an outer repository, and with messages in English."""
    environment = {key: value for key, value in os.environ.items() if key not in OUTER_REPOSITORY}
    return {**environment, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}


def _last_line(output: str) -> str:
    lines = output.strip().splitlines() or ["no message"]
    return lines[-1].removeprefix("fatal: ")
