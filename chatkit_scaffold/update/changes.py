"""What a user changed in a project by hand, compared with a render of its version."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from chatkit_scaffold.errors import DestinationError
from chatkit_scaffold.generator import git
from chatkit_scaffold.update.outcome import Rename

_LOCK = "uv.lock"
"""Made by uv in every project, and by nobody's hand."""
_LARGE = 1_000_000
"""Bytes; a larger file is no renamed file of the template."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The files that differ from a render, uncommitted ones included.

    Attributes:
        modified: The user changed them; a difference in line ends alone does not count.
        added: The render does not have them, and git does not ignore them.
        deleted: Only the render has them.
        renamed: The user renamed them, and perhaps changed them.
    """

    modified: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    renamed: tuple[Rename, ...] = ()


def find_changes(base: Path, project: Path) -> Changes:
    """Compare the project in a folder, which may be outside of git, with its render *base*.

    Raises:
        DestinationError: A file of the project cannot be read.
        ToolError: git failed.
    """
    rendered = sorted(str(path.relative_to(base)) for path in base.rglob("*") if path.is_file())
    there = [path for path in rendered if os.path.lexists(project / path)]
    deleted = [path for path in rendered if path not in there]
    added = [path for path in _listed(project) if path not in rendered and path != _LOCK]
    renamed = tuple(_renamed(base, deleted, project, added)) if deleted and added else ()
    old, new = {one.old for one in renamed}, {one.new for one in renamed}
    return Changes(
        modified=tuple(path for path in there if _content(base, path) != _content(project, path)),
        added=tuple(path for path in added if path not in new),
        deleted=tuple(path for path in deleted if path not in old),
        renamed=renamed,
    )


def _listed(project: Path) -> list[str]:
    """Return the files in a folder that git tracks or would track."""
    others = ("ls-files", "-z", "--others", "--exclude-standard")
    if git.enclosing_repository(project):
        output = git.read(project, *others, "--cached")
    else:
        with _scratch() as scratch:
            output = git.read(project, *_in(scratch, project), *others)
    paths = {os.fsdecode(path) for path in output.split(b"\0") if path}
    return sorted(path for path in paths if (project / path).is_file())


def _content(folder: Path, path: str) -> bytes | str:
    file = folder / path
    try:
        if file.is_symlink():
            return str(file.readlink())
        return file.read_bytes().replace(b"\r\n", b"\n")
    except IsADirectoryError:
        return "a folder"
    except OSError as error:
        raise DestinationError(
            f"{file} cannot be read: {error.strerror}", hint="Make it readable, and try again."
        ) from error


def _renamed(base: Path, deleted: list[str], project: Path, added: list[str]) -> Iterator[Rename]:
    """Yield which deleted files git takes for which added ones."""
    small = [path for path in added if (project / path).stat().st_size < _LARGE]
    compare = ("diff-tree", "-r", "-z", "--find-renames", "--diff-filter=R", "--name-status")
    with _scratch() as scratch:
        trees = [_tree(scratch, base, deleted), _tree(scratch, project, small)]
        output = git.read(project, *_in(scratch, project), *compare, *trees)
    names = [os.fsdecode(name) for name in output.split(b"\0") if name]
    for _, old, new in zip(*[iter(names)] * 3, strict=True):
        yield Rename(old, new, by="you")


@contextmanager
def _scratch() -> Iterator[Path]:
    """Yield an empty repository, so that git works outside of one and writes to no other."""
    with TemporaryDirectory(prefix="chatkit-scaffold-") as folder:
        git.read(Path(folder), "init", "--quiet", "--bare", "--template=", folder)
        yield Path(folder)


def _in(repository: Path, work_tree: Path) -> tuple[str, str]:
    return f"--git-dir={repository}", f"--work-tree={work_tree}"


def _tree(repository: Path, folder: Path, paths: list[str]) -> str:
    """Write the tree of some files, and return its id."""
    names = b"".join(os.fsencode(path) + b"\0" for path in paths)
    options = _in(repository, folder)
    index = {"GIT_INDEX_FILE": str(repository / "index")}
    git.read(folder, *options, "read-tree", "--empty", environment=index)
    add = ("update-index", "--add", "-z", "--stdin")
    git.read(folder, *options, *add, stdin=names, environment=index)
    return git.read(folder, *options, "write-tree", environment=index).decode().strip()
