"""The order of imports that were in order before they changed."""

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ruff import find_ruff_bin

from chatkit_scaffold.update.formatting import settings
from chatkit_scaffold.update.trees import Entries, Trees

_SORTING = ("check", "--select=I001", "--no-cache", "--quiet", "--no-respect-gitignore")


def sorted_imports(
    trees: Trees, project: Entries, modules: Iterable[str], changed: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Return changed files with their imports in the order that the project's settings ask for.

    Where the imports were not in order before, or Ruff cannot tell, a file stays as it is.

    Args:
        trees: The project's trees.
        project: The project without the changes.
        modules: The files of modules that it has, or had before.
        changed: The files by path.
    """
    before = trees.contents(project[path].oid for path in changed)
    with TemporaryDirectory(prefix="chatkit-scaffold-") as scratch:
        _write(Path(scratch), settings(trees, project))
        folder = Path(scratch) / trees.repository.prefix
        # Ruff takes a module that it cannot find for one of a library.
        _write(folder, dict.fromkeys(modules, b""))
        _write(folder, {path: before[project[path].oid] for path in changed})
        tidy = _in_order(folder, [*changed])
        _write(folder, changed)
        if tidy:
            _ruff(folder, tidy, "--fix")
        return {**changed, **{path: (folder / path).read_bytes() for path in tidy}}


def _in_order(folder: Path, paths: Sequence[str]) -> list[str]:
    """Return the files in which Ruff finds nothing to sort and nothing that it cannot read."""
    done = _ruff(folder, paths, "--output-format=json")
    if done.returncode not in (0, 1):
        return []
    found = {Path(each["filename"]).resolve() for each in json.loads(done.stdout)}
    return [path for path in paths if (folder / path).resolve() not in found]


def _ruff(folder: Path, paths: Sequence[str], *options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [find_ruff_bin(), *_SORTING, *options, "--", *paths],
        cwd=folder,
        capture_output=True,
        check=False,
    )


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
