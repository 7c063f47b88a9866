"""Formats files as the user's own Ruff would."""

import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from ruff import find_ruff_bin

from chatkit_scaffold.update.trees import Entries, Trees

Contents = Mapping[str, bytes]
"""Contents by path."""

# Ruff does not say which files it has formatted. So each gets a badly formatted end: where that
# comes out well, Ruff has. The value is that end before and after, by the suffix of a file's name.
_PYTHON = (b"\n", b"")
_ENDS = {
    ".py": _PYTHON,
    ".pyi": _PYTHON,
    ".md": (b"\n```py\nx  =  1\n```\n", b"\n```py\nx = 1\n```\n"),
}

_SETTINGS = ("pyproject.toml", "ruff.toml", ".ruff.toml")


@dataclass(frozen=True, slots=True)
class Batch:
    """Files to format.

    Attributes:
        settings: The files of settings, by path in the repository.
        files: The files to format, by path below the project's folder.
    """

    settings: Contents
    files: Contents


def is_formatted(path: str) -> bool:
    """Return whether Ruff formats files with such a name: Python, and Python in Markdown."""
    return PurePosixPath(path).suffix in _ENDS


def formatted(batches: Mapping[str, Batch], prefix: str) -> dict[str, dict[str, bytes]]:
    """Return the files of each batch as Ruff formats them, all in one process.

    A file is left out if Ruff does not format it: if it is excluded, or not valid Python, or if
    Ruff rejects the settings.

    Args:
        batches: The files by the name of the batch.
        prefix: The project's folder below the repository's top.
    """
    with TemporaryDirectory(prefix="chatkit-scaffold-") as scratch:
        for name, batch in batches.items():
            _write(Path(scratch) / name, batch, prefix)
        # Ruff fails if it cannot format one of the files, and has formatted the others.
        subprocess.run(
            [find_ruff_bin(), "format", "--quiet", "--no-cache", "--no-respect-gitignore", "."],
            cwd=scratch,
            capture_output=True,
            check=False,
        )
        return {
            name: _read(Path(scratch) / name / prefix, batch.files)
            for name, batch in batches.items()
        }


def settings(trees: Trees, project: Entries) -> dict[str, bytes]:
    """Return every file that may have settings of Ruff, by path in the repository.

    A project in a larger repository may have none of its own, or extend those of others.
    """
    below = f"{trees.repository.prefix}/" if trees.repository.prefix else ""
    found = {below + path: entry for path, entry in project.items()}
    if below and not _stands_alone(matter(trees, project)):
        around = trees.read("HEAD")
        found |= {path: item for path, item in around.items() if not path.startswith(below)}
    files = {path: item.oid for path, item in found.items() if path.endswith(".toml")}
    contents = trees.contents(files.values())
    return {path: contents[oid] for path, oid in files.items() if oid in contents}


def matter(trees: Trees, project: Entries) -> dict[str, Any]:
    """Return the project's own settings that change how Ruff formats, by path."""
    files = {
        path: entry.oid
        for path, entry in project.items()
        if PurePosixPath(path).name in _SETTINGS and entry.is_file
    }
    contents = trees.contents(files.values())
    found = {path: _relevant(path, contents[oid]) for path, oid in files.items()}
    return {path: relevant for path, relevant in found.items() if relevant is not None}


def _stands_alone(own: Mapping[str, Any]) -> bool:
    """Return whether Ruff needs no settings from outside of the project."""
    return not own.keys().isdisjoint(_SETTINGS) and not any(
        "extend" in item for item in own.values()
    )


def _relevant(path: str, content: bytes) -> dict[str, Any] | None:
    """Return the settings for formatting in a file; None if Ruff passes over it."""
    try:
        parsed: Any = tomllib.loads(content.decode())
        if PurePosixPath(path).name == "pyproject.toml":
            # Without a target-version, the formatter looks at what the project requires.
            python = parsed.get("project", {}).get("requires-python")
            parsed = parsed.get("tool", {}).get("ruff")
            parsed = None if parsed is None else {"target-version": python, **parsed}
    # Not TOML, or no table where one belongs: Ruff will not read it, either.
    except (ValueError, AttributeError, TypeError, RecursionError):
        return {"invalid": content}
    return None if parsed is None else {key: parsed[key] for key in parsed if key != "lint"}


def _write(folder: Path, batch: Batch, prefix: str) -> None:
    for name, content in batch.settings.items():
        _made(folder / name).write_bytes(content)
    for name, content in batch.files.items():
        bad, _ = _ENDS[PurePosixPath(name).suffix]
        _made(folder / prefix / name).write_bytes(content + bad)


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _read(folder: Path, files: Contents) -> dict[str, bytes]:
    formatted = {}
    for name, content in files.items():
        bad, good = _ENDS[PurePosixPath(name).suffix]
        found = (folder / name).read_bytes()
        if found != content + bad and found.endswith(good):
            formatted[name] = found.removesuffix(good)
    return formatted
