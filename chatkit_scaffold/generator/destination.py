"""The folder a project is made in: checked before, filled aside, and put in place at the end."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatkit_scaffold.errors import DestinationError


@contextmanager
def staged(dest: Path) -> Iterator[Path]:
    """Yield a path to make the project at; it becomes *dest* when the block ends well.

    Nothing is left when it does not. The path ends in the same name as *dest* and lies on
    the same file system.

    Raises:
        DestinationError: *dest* is taken or cannot be written.
    """
    try:
        beside = _place(dest)
        with tempfile.TemporaryDirectory(prefix=".chatkit-scaffold-", dir=beside) as temporary:
            stage = Path(temporary) / dest.name
            yield stage
            _move(stage, dest)
    except OSError as error:
        raise DestinationError(
            f"{dest} cannot be written: {error.strerror or error}",
            hint="Choose a folder that you may write to.",
        ) from error


def absolute(dest: str) -> Path:
    """Return *dest* as an absolute path with a name.

    Raises:
        DestinationError: *dest* is empty or the root folder.
    """
    path = Path(os.path.abspath(dest))  # noqa: PTH100 - resolve() would follow a link's name
    if not dest.strip() or not path.name:
        raise DestinationError(
            f"{dest!r} is no folder to make a project in", hint="Name a new folder."
        )
    return path


def _place(dest: Path) -> Path:
    """Return the existing folder to work in: *dest* itself if it is there and empty."""
    if dest.is_dir():
        if any(dest.iterdir()):
            raise DestinationError(f"{dest} is not empty", hint="Choose another folder.")
        return dest
    if dest.exists() or dest.is_symlink():
        raise DestinationError(f"{dest} exists and is not a folder", hint="Choose another name.")
    parent = next(path for path in dest.parents if path.exists())
    if not parent.is_dir():
        raise DestinationError(f"{parent} is not a folder", hint="Choose another parent folder.")
    return parent


def _move(stage: Path, dest: Path) -> None:
    if not dest.is_dir():
        dest.parent.mkdir(parents=True, exist_ok=True)
        stage.rename(dest)
        return
    # The user's shell may stand in the empty folder, so it is filled and not replaced.
    if list(dest.iterdir()) not in ([], [stage.parent]):
        raise OSError(errno.ENOTEMPTY, "something was put there meanwhile")
    for child in stage.iterdir():
        child.rename(dest / child.name)
