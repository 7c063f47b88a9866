"""The template's bundle in the home folder, from which plain `copier update` reads.

Each version of the command keeps a file of its own. A file is only ever replaced by one that
contains all of its versions, so commands of several versions can be used side by side.
"""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

# The same on every system, because projects record it and several people share a project.
_FOLDER = "~/.local/share/chatkit-scaffold"


def location(version: str) -> str:
    """Return the path that projects record, which begins with `~`."""
    return f"{_FOLDER}/template-{version}.bundle"


def keep(bundle: Path, version: str) -> str | None:
    """Copy *bundle* to where projects of *version* look for it, unless it is there already.

    Returns:
        Why it could not be stored; None if it is there.
    """
    try:
        kept = Path(location(version)).expanduser()
        if not kept.is_file():
            kept.parent.mkdir(parents=True, exist_ok=True)
            _replace(bundle, kept)
        refresh(bundle)
    except (OSError, RuntimeError) as error:
        # Without a home folder, the error is a RuntimeError.
        return str(getattr(error, "strerror", None) or error)
    return None


def refresh(bundle: Path) -> None:
    """Replace the kept bundles that contain less than *bundle*, whose projects then get its fixes.

    Raises:
        OSError: The folder cannot be read or written.
        RuntimeError: There is no home folder.
    """
    known = _tips(bundle)
    for kept in bundles():
        # A damaged file is nothing that a project could be updated from.
        with suppress(ValueError):
            if _tips(kept) < known:
                _replace(bundle, kept)


def bundles() -> list[Path]:
    """Return the kept bundles, those of earlier commands included.

    Raises:
        RuntimeError: There is no home folder.
    """
    return sorted(Path(_FOLDER).expanduser().glob("*.bundle"))


def _replace(bundle: Path, kept: Path) -> None:
    with tempfile.TemporaryDirectory(dir=kept.parent) as temporary:
        Path(shutil.copy(bundle, temporary)).replace(kept)


def _tips(bundle: Path) -> set[bytes]:
    """Return the ids of the commits that the head of a bundle lists.

    Raises:
        ValueError: It is not a bundle.
    """
    with bundle.open("rb") as stream:
        if not stream.readline().startswith(b"# v"):
            raise ValueError(f"{bundle} is not a git bundle")
        lines = iter(stream.readline, b"\n")
        return {line.split()[0] for line in lines if line[:1].isalnum()}
