"""Opens the project to update, and refuses one that git could not bring back."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chatkit_scaffold.errors import DestinationError, ToolError
from chatkit_scaffold.generator import git
from chatkit_scaffold.text import listed, shorten
from chatkit_scaffold.update.repository import Repository

ANSWERS_FILE = ".copier-answers.yml"
"""What makes a folder a project."""

# By a file in git's folder: what it is a trace of, and the command that ends it. A rebase comes
# first, because it stops with CHERRY_PICK_HEAD.
_UNFINISHED = {
    "rebase-merge": ("rebase", "git rebase --abort"),
    "rebase-apply/applying": ("git am", "git am --abort"),
    "rebase-apply": ("rebase", "git rebase --abort"),
    "MERGE_HEAD": ("merge", "git merge --abort"),
    "CHERRY_PICK_HEAD": ("cherry-pick", "git cherry-pick --abort"),
    "REVERT_HEAD": ("revert", "git revert --abort"),
    "sequencer": ("cherry-pick or revert", "git cherry-pick --quit"),
    "BISECT_LOG": ("bisect", "git bisect reset"),
}
_SHOWN = 3
"""How many changed files an error names."""


@dataclass(frozen=True, slots=True)
class Project:
    """A committed project without uncommitted changes.

    Attributes:
        path: Its folder, without symbolic links.
        repository: The repository that tracks it.
        head: The commit that is checked out.
        branch: The branch that is checked out; None if HEAD is detached.
        tree: The id of the folder's tree in that commit.
    """

    path: Path
    repository: Repository
    head: str
    branch: str | None
    tree: str


def open_project(dest: str | None) -> Project:
    """Return the project that `find_project` finds, ready for an update.

    Raises:
        DestinationError: There is no project, or git could not bring back what is in it.
        ToolError: git is not installed, or does not read the repository.
    """
    path = find_project(dest)
    repository = _repository(path)
    head = _head(path, repository)
    _refuse_unfinished(repository)
    _refuse_untracked(path, repository)
    _refuse_changes(path, repository)
    return Project(
        path,
        repository,
        head,
        branch=_branch(repository),
        tree=repository.git("rev-parse", f"{head}:{repository.prefix}"),
    )


def find_project(dest: str | None) -> Path:
    """Return the folder of the project in *dest*, or of the one around the working directory.

    Without *dest*, that is the nearest folder with an answers file, from the working directory
    up to the top of its repository.

    Raises:
        DestinationError: There is no project.
    """
    return _around(_working_directory()) if dest is None else _given(dest)


def _given(dest: str) -> Path:
    try:
        folder = Path(dest).resolve()
        is_project = _is_project(folder)
        is_folder = bool(dest.strip()) and folder.is_dir()
    except (OSError, RuntimeError, ValueError) as error:
        # RuntimeError is a circle of symbolic links.
        reason = getattr(error, "strerror", None) or str(error)
        raise DestinationError(
            f"{shorten(dest)} cannot be read: {reason}", hint="Pass the folder of a project."
        ) from error
    if not is_folder:
        raise DestinationError(
            f"There is no folder {shorten(dest) or repr(dest)}",
            hint="Pass the folder of a project.",
        )
    if not is_project:
        raise _no_project(folder)
    return folder


def _around(folder: Path) -> Path:
    """Return the nearest project that *folder* is in, within its repository."""
    for place in (folder, *folder.parents):
        if _is_project(place):
            return place
        if (place / ".git").exists():
            break
    raise _no_project(folder)


def _no_project(folder: Path) -> DestinationError:
    nearest = next((place for place in folder.parents if _is_project(place)), None)
    hint = (
        f"Pass the project's folder: {shlex.quote(str(nearest))}"
        if nearest
        else "Pass the folder of a project, or restore the file with git if it was deleted."
    )
    return DestinationError(f"{folder} is not a project: it has no {ANSWERS_FILE}", hint=hint)


def _is_project(folder: Path) -> bool:
    return (folder / ANSWERS_FILE).is_file()


def _working_directory() -> Path:
    try:
        return Path.cwd().resolve()
    except OSError as error:
        raise DestinationError(
            "The working directory no longer exists", hint="Change to the project's folder."
        ) from error


def _repository(path: Path) -> Repository:
    git.require_git()
    git.refuse_untrusted(path)
    here = Repository(path, "")
    try:
        inside = here.git("rev-parse", "--is-inside-work-tree") == "true"
    except ToolError as error:
        if "not a git repository (or any" not in error.message:
            raise
        raise DestinationError(
            f"{path} is not in a git repository, so an update could not be undone",
            hint=f"Make it one: {_in(path)}git init && git add . && git commit -m Start",
        ) from error
    if not inside:
        raise DestinationError(
            f"The repository of {path} is bare: it has no work tree",
            hint="Clone it, and update the project in the clone.",
        )
    top = Path(here.git("rev-parse", "--show-toplevel"))
    return Repository(top, here.git("rev-parse", "--show-prefix").rstrip("/"))


def _head(path: Path, repository: Repository) -> str:
    head = repository.git("rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=(0, 1))
    if not head:
        raise DestinationError(
            f"The repository of {path} has no commit yet, so an update could not be undone",
            hint=f"Commit the project: {_in(path)}git add . && git commit -m Start",
        )
    return head


def _branch(repository: Repository) -> str | None:
    """Return the branch that is checked out, as `git switch` takes it."""
    # The short form has "heads/" in front if a tag has the same name.
    reference = repository.git("symbolic-ref", "--quiet", "HEAD", ok=(0, 1))
    return reference.removeprefix("refs/heads/") or None


def _refuse_unfinished(repository: Repository) -> None:
    folder = repository.git_folder()
    for trace, (operation, end) in _UNFINISHED.items():
        if (folder / trace).exists():
            raise DestinationError(
                f"{repository.root} has an unfinished {operation}",
                hint=f"Finish it, or end it: {end}",
            )
    unmerged = repository.git("ls-files", "--unmerged", "-z").split("\0")
    if paths := list(dict.fromkeys(entry.partition("\t")[2] for entry in unmerged if entry)):
        raise DestinationError(
            f"{repository.root} has unresolved conflicts: {_some(paths)}",
            hint="Resolve and commit them; git status lists them.",
        )
    if (folder / "index.lock").exists():
        raise DestinationError(
            f"Another git command is at work in {repository.root}",
            hint=f"Wait for it; if there is none, remove {folder / 'index.lock'}.",
        )


def _refuse_untracked(path: Path, repository: Repository) -> None:
    answers = f"{repository.prefix}/{ANSWERS_FILE}".removeprefix("/")
    if repository.git("rev-parse", "--verify", "--quiet", f"HEAD:{answers}", ok=(0, 1)):
        return
    if repository.git("check-ignore", "--", answers, ok=(0, 1)):
        raise DestinationError(
            f"{path} is ignored by git, so an update could not be undone",
            hint=f"Track it: {_in(path)}git add --force . && git commit -m Start",
        )
    raise DestinationError(
        f"{path} is not committed, so an update could not be undone",
        hint=f"Commit it: {_in(path)}git add . && git commit -m Start",
    )


def _refuse_changes(path: Path, repository: Repository) -> None:
    """Check that the project's folder is as HEAD has it; other folders are not looked at."""
    if changes := list(_changes(repository)):
        raise DestinationError(
            f"{path} has uncommitted changes: {_some(changes)}",
            hint="Commit them, or put them aside: git stash --include-untracked",
        )


def _changes(repository: Repository) -> Iterator[str]:
    """Yield the changed and untracked files below the project's folder."""
    lock = f"{repository.prefix}/uv.lock".removeprefix("/")
    status = repository.git(
        "status",
        "--porcelain=v1",
        "-z",
        "--no-renames",
        "--untracked-files=all",
        # What is inside a submodule is its own repository's business.
        "--ignore-submodules=dirty",
        "--",
        pathspec(repository.prefix),
    )
    for entry in filter(None, status.split("\0")):
        if entry != f"?? {lock}":
            yield entry[3:].removeprefix(f"{repository.prefix}/" if repository.prefix else "")


def pathspec(prefix: str) -> str:
    """Return what stands for a folder of the repository in git's commands, wherever they run."""
    plain = not any(sign in prefix for sign in "*?[\\:")
    return f":/{prefix}" if plain else f":(top,literal){prefix}"


def _some(paths: list[str]) -> str:
    """Return the first paths, and how many there are beyond."""
    first = [shorten(path) for path in paths[:_SHOWN]]
    if more := len(paths) - len(first):
        first.append(f"{more} more")
    return listed(first, "and")


def _in(path: Path) -> str:
    return f"cd {shlex.quote(str(path))} && "
