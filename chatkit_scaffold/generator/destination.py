"""The folder of a new project: checked first, built elsewhere, moved into place at the end."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatkit_scaffold.errors import DestinationError


@contextmanager
def staged(dest: Path) -> Iterator[Path]:
    """Yield a path to build the project at; it becomes *dest* when the block succeeds.

    A failed block leaves nothing behind. The path has the same last part as *dest* and is on
    the same file system.

    Raises:
        DestinationError: *dest* is not empty or cannot be written to.
    """
    try:
        beside = _place(dest)
        with tempfile.TemporaryDirectory(prefix=".chatkit-scaffold-", dir=beside) as temporary:
            stage = Path(temporary) / dest.name
            yield stage
            _move(stage, dest)
    except OSError as error:
        raise DestinationError(
            f"{dest} cannot be created: {error.strerror or error}",
            hint="Choose a folder that you can write to.",
        ) from error


def absolute(dest: str) -> Path:
    """Return *dest* as an absolute path with a name.

    Raises:
        DestinationError: *dest* is empty or the root folder.
    """
    path = Path(os.path.abspath(dest))  # noqa: PTH100 - resolve() would follow a link's name
    if not dest.strip() or not path.name:
        raise DestinationError(
            f"{dest!r} is not a folder for a project", hint="Choose the name of a new folder."
        )
    return path


def _place(dest: Path) -> Path:
    """Return the existing folder to work in: *dest* itself if it exists and is empty."""
    if dest.is_dir():
        if any(dest.iterdir()):
            raise DestinationError(f"{dest} is not empty", hint="Choose another folder.")
        return dest
    if dest.exists() or dest.is_symlink():
        raise DestinationError(
            f"{dest} already exists and is not a folder", hint="Choose another name."
        )
    parent = next(path for path in dest.parents if path.exists())
    if not parent.is_dir():
        raise DestinationError(f"{parent} is not a folder", hint="Choose another parent folder.")
    return parent


def _move(stage: Path, dest: Path) -> None:
    if not dest.is_dir():
        dest.parent.mkdir(parents=True, exist_ok=True)
        stage.rename(dest)
        return
    # The empty folder may be the shell's working directory, so it is filled, not replaced.
    if list(dest.iterdir()) not in ([], [stage.parent]):
        raise OSError(errno.ENOTEMPTY, "a file appeared in it meanwhile")
    for child in stage.iterdir():
        child.rename(dest / child.name)
