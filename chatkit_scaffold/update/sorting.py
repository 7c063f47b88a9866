"""The order of imports that were in order before they changed."""

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from ruff import find_ruff_bin

from chatkit_scaffold.update.modules import State

_CONFIGURATIONS = ("pyproject.toml", "ruff.toml", ".ruff.toml")
_SORTING = ("check", "--select=I001", "--no-cache", "--quiet", "--force-exclude")


def sorted_imports(merged: State, changed: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return changed files with their imports in the order of the project's settings.

    Where the imports were not in order, or Ruff cannot tell, a file stays as it is.

    Args:
        merged: The project without the changes.
        changed: The files by path.
    """
    with TemporaryDirectory(prefix="chatkit-scaffold-") as name:
        folder = Path(name)
        _write(folder, {path: merged.read(path) for path in merged.paths if _configures(path)})
        for module in (module for module in merged.modules if "." not in module):
            (folder / module).mkdir(exist_ok=True)  # so that Ruff knows that it is no library
        _write(folder, {path: merged.read(path) for path in changed})
        tidy = [path for path in changed if _run(folder, [path])]
        _write(folder, changed)
        if tidy:
            _run(folder, tidy, "--fix")
        return {**changed, **{path: (folder / path).read_bytes() for path in tidy}}


def _run(folder: Path, paths: Iterable[str], *options: str) -> bool:
    """Return whether Ruff finds all imports of these files in order."""
    done = subprocess.run(
        [find_ruff_bin(), *_SORTING, *options, "--", *paths],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def _configures(path: str) -> bool:
    return path.rpartition("/")[2] in _CONFIGURATIONS


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
