"""What is in the way of an update, found before anything changes."""

import re
import shlex
import shutil
from itertools import chain, count
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from chatkit_scaffold.errors import DestinationError, ToolError
from chatkit_scaffold.text import shorten
from chatkit_scaffold.update.outcome import Merged
from chatkit_scaffold.update.project import Project
from chatkit_scaffold.update.repository import Repository

_HIDDEN = re.compile(r"Entry '(.*)' not uptodate")


def refuse_branch(repository: Repository, branch: str) -> None:
    """Check that *branch* can be made.

    Raises:
        DestinationError: Another branch has a part of its name.
    """
    names = [branch, *(str(parent) for parent in PurePosixPath(branch).parents[:-1])]
    references = [f"refs/heads/{name}" for name in names]
    found = repository.git("for-each-ref", "--format=%(refname)", *references).splitlines()
    # Its pattern also finds what is below; below the branch itself, that is in the way, too.
    for reference in found:
        if reference in references[1:] or reference.startswith(f"{references[0]}/"):
            name = reference.removeprefix("refs/heads/")
            raise DestinationError(
                f"The branch {name} exists already",
                hint=f"See it with git switch {name}, or delete it with git branch -D {name}.",
            )


def free_branch(project: Project, version: str) -> str:
    """Return the name of the branch for an update, with a number if that is taken.

    A branch of an earlier update whose commits HEAD has is made anew.
    """
    name = f"chatkit-scaffold/update-{version}"
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(name for name in names if _is_free(project, name))


def _is_free(project: Project, branch: str) -> bool:
    git = project.repository.git
    # The name alone is a pattern that also finds what is below.
    listed = git("for-each-ref", "--format=%(refname) %(worktreepath)", f"refs/heads/{branch}")
    place = dict(line.split(" ", 1) for line in listed.splitlines()).get(f"refs/heads/{branch}")
    if place is None:
        return True
    bases = git("merge-base", "--all", f"refs/heads/{branch}", project.head, ok=(0, 1)).split()
    return not place and git("rev-parse", f"refs/heads/{branch}") in bases


def checked_tree(project: Project, merged: Merged, branch: str) -> str:
    """Return the commit's tree with the result in it, if `apply` can be expected to work.

    A dry run calls it, too.

    Raises:
        DestinationError: The branch exists, HEAD has moved, a file of the user is in the way, or
            the user's commit would include what is staged in other folders.
    """
    repository = project.repository
    refuse_branch(repository, branch)
    if repository.git("rev-parse", "HEAD") != project.head:
        raise DestinationError(
            f"Another commit was checked out in {repository.root} in the meantime",
            hint="Try again.",
        )
    if merged.conflicts and repository.git("diff", "--cached", "--name-only", "HEAD"):
        raise DestinationError(
            "The update has conflicts, and its commit would include what is staged elsewhere",
            hint="Commit or unstage that: git restore --staged :/",
        )
    tree = whole_tree(project, merged.tree)
    _refuse_overwriting(project, tree)
    _refuse_hidden_changes(project, tree)
    return tree


def _refuse_overwriting(project: Project, tree: str) -> None:
    """Check that no untracked or ignored file is where the update adds one."""
    changes = changed_paths(project, tree)
    removed = {path for path, status in changes.items() if status == "D"}
    for path, status in changes.items():
        if status == "A" and (found := _in_the_way(project.repository.root, path, removed)):
            raise DestinationError(
                f"The update adds {shorten(path)}, but {shorten(found)} exists and is not tracked",
                hint="Rename or remove it, and try again.",
            )


def _in_the_way(root: Path, path: str, removed: set[str]) -> str | None:
    """Return the untracked file that the new file *path* would replace."""
    for place in (*reversed(PurePosixPath(path).parents[:-1]), PurePosixPath(path)):
        found = root / place
        if found.is_dir() and not found.is_symlink():
            continue
        if (found.is_symlink() or found.exists()) and str(place) not in removed:
            return str(place)
    inside = (file.relative_to(root).as_posix() for file in (root / path).rglob("*"))
    return next((file for file in inside if file not in removed and (root / file).is_file()), None)


def _refuse_hidden_changes(project: Project, tree: str) -> None:
    """Let git check what `git status` does not show, with a copy of the index."""
    repository = project.repository
    with TemporaryDirectory(prefix="chatkit-scaffold-") as folder:
        # With its time, by which git knows how far to trust it.
        index = Path(shutil.copy2(index_file(repository), folder))
        # In a copied repository, the times of all files are news to the index.
        repository.git("update-index", "-q", "--refresh", index=index)
        try:
            repository.git("read-tree", "-m", "-u", "-n", project.head, tree, index=index)
        except ToolError as error:
            if not (found := _HIDDEN.search(error.message)):
                raise
            raise DestinationError(
                f"{found[1]} has changes that git was told to ignore",
                hint="Show them with git update-index --no-assume-unchanged --no-skip-worktree "
                f"{shlex.quote(found[1])}",
            ) from error


def whole_tree(project: Project, tree: str) -> str:
    """Return the commit's whole tree with *tree* as the project's folder."""
    git = project.repository.git
    path = PurePosixPath(project.repository.prefix)
    for name, parent in zip((path, *path.parents), path.parents, strict=False):
        above = "" if str(parent) == "." else str(parent)
        entries = git("ls-tree", "-z", f"{project.head}:{above}").rstrip("\0").split("\0")
        others = [entry for entry in entries if entry.partition("\t")[2] != name.name]
        entries = [*others, f"040000 tree {tree}\t{name.name}"]
        # A partial clone lacks objects of other folders.
        tree = git("mktree", "-z", "--missing", text="".join(f"{entry}\0" for entry in entries))
    return tree


def changed_paths(project: Project, tree: str) -> dict[str, str]:
    """Return the paths in which *tree* differs from HEAD, with `A`, `M`, `T` or `D`."""
    difference = ("diff-tree", "-r", "-z", "--no-renames", "--name-status", project.head, tree)
    parts = project.repository.git(*difference).split("\0")
    return dict(zip(parts[1::2], parts[::2], strict=False))


def index_file(repository: Repository) -> Path:
    """Return the path of the user's index."""
    return repository.git_folder() / "index"
