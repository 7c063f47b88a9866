"""The few things done with git: the first commit of a project, and looking around before."""

import os
import shutil
import subprocess
from pathlib import Path

from chatkit_scaffold.errors import ToolError

# Set while git runs a hook; they would turn every command to the hook's repository.
OUTER_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")

_AUTHOR = {"user.name": "chatkit-scaffold", "user.email": "chatkit-scaffold@localhost"}
_PLAIN = ("-c", "commit.gpgsign=false", "-c", f"core.hooksPath={os.devnull}")


def require_git() -> None:
    """Check that there is a git to run.

    Raises:
        ToolError: There is none on the PATH.
    """
    if shutil.which("git") is None:
        raise ToolError(
            "git was not found; it reads the template and keeps the project's first commit",
            hint="Install git from https://git-scm.com and try again.",
        )


def first_commit(project: Path) -> str:
    """Make *project* a repository on branch main, commit everything, and return the commit.

    Works for somebody who never told git a name, and runs none of the user's hooks.

    Raises:
        ToolError: git failed; the message is its own.
    """
    _git(project, "init", "--quiet", "--initial-branch=main", "--template=")
    _git(project, "add", "--all")
    author = [part for key in _AUTHOR if not _configured(project, key) for part in _option(key)]
    _git(project, *author, *_PLAIN, "commit", "--quiet", "--message=Create the backend")
    return _git(project, "rev-parse", "HEAD")


def enclosing_repository(folder: Path) -> Path | None:
    """Return the work tree that would track *folder*, or None if no repository would."""
    nearest = next(path for path in (folder, *folder.parents) if path.is_dir())
    found = _run(nearest, "rev-parse", "--show-toplevel")
    if found.returncode != 0:
        return None
    ignored = _run(nearest, "check-ignore", "--quiet", "--", str(folder)).returncode == 0
    return None if ignored else Path(found.stdout.strip())


def is_repository_root(folder: Path) -> bool:
    """Tell whether *folder* is the top of a work tree."""
    found = _run(folder, "rev-parse", "--show-toplevel")
    return found.returncode == 0 and Path(found.stdout.strip()).resolve() == folder.resolve()


def has_commit(folder: Path) -> bool:
    """Tell whether the repository in *folder* has anything committed."""
    return _run(folder, "rev-parse", "--verify", "--quiet", "HEAD").returncode == 0


def _configured(folder: Path, key: str) -> bool:
    variable = f"GIT_AUTHOR_{key.removeprefix('user.').upper()}"
    return variable in os.environ or _run(folder, "config", "--get", key).returncode == 0


def _option(key: str) -> tuple[str, str]:
    return "-c", f"{key}={_AUTHOR[key]}"


def _git(folder: Path, *arguments: str) -> str:
    done = _run(folder, *arguments)
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["no message"]
        raise ToolError(
            f"git failed in the new project: {said[-1]}",
            hint="Mend git's settings, or use --no-git and commit the project yourself.",
        )
    return done.stdout.strip()


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key not in OUTER_REPOSITORY}
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
