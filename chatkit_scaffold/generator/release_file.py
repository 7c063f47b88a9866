"""Reads a release from its file.

The build imports this module, too, so it needs nothing but the standard library until it reads.
"""

import datetime
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from chatkit_scaffold.errors import TemplateError
from chatkit_scaffold.generator.release import ForProjects, Mappings, Note, Release, Removed

if TYPE_CHECKING:
    from yaml import Node

Value = TypeVar("Value")

_COMMIT = re.compile(r"[0-9a-f]{40}")


def read_release(path: Path) -> Release:
    """Return the release that *path* describes; the file's name is its version.

    Raises:
        TemplateError: It is not valid; the message names the file and the key.
    """
    content = _parse(path)
    top = _Entry(path, "", content).fields(
        "commit", "date", "added", "changed", "fixed", "projects", "mappings"
    )
    commit, day = (top[key].value for key in ("commit", "date"))
    if commit is not None and not (isinstance(commit, str) and _COMMIT.fullmatch(commit)):
        top["commit"].refuse("is not a full commit hash")
    if not isinstance(day, datetime.date | None) or (day is None) is not (commit is None):
        top["date"].refuse("must be a date such as 2026-11-21, if there is a commit")
    return Release(
        version=path.stem,
        commit=commit,
        date=day,
        added=top["added"].items(_Entry.text),
        changed=top["changed"].items(_Entry.text),
        fixed=top["fixed"].items(_Entry.text),
        projects=_projects(top["projects"]),
        mappings=_mappings(top["mappings"]),
    )


def _parse(path: Path) -> Any:
    # Takes as long to import as Typer, and most commands do not need it.
    import yaml

    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        if (node := loader.get_single_node()) is None:
            return None
        _refuse_repetition(path, node)
        return loader.construct_document(node)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise TemplateError(f"{path} cannot be read", hint=f"Check the file: {error}") from error


def _refuse_repetition(path: Path, node: "Node") -> None:
    """Refuse a key that is there twice, as after a careless merge: YAML would drop the first."""
    pairs = node.value if node.tag == "tag:yaml.org,2002:map" else []
    keys = [key.value for key, _ in pairs]
    if repeated := [key for key in keys if keys.count(key) > 1]:
        place = f"{path.parent.name}/{path.name}"
        raise TemplateError(
            f"{place}: {repeated[0]} is there twice, in the mapping of line "
            f"{node.start_mark.line + 1}",
            hint="Put both into one.",
        )
    items = node.value if node.tag == "tag:yaml.org,2002:seq" else []
    for child in [*items, *(value for _, value in pairs)]:
        _refuse_repetition(path, child)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A value of the file, and the place to name if it is wrong; None if it is not there."""

    path: Path
    key: str
    value: Any

    def refuse(self, reason: str) -> NoReturn:
        place = f"{self.path.parent.name}/{self.path.name}"
        raise TemplateError(
            f"{place}: {self.key or 'the file'} {reason}",
            hint=f"Compare {self.path} with the other releases.",
        )

    def text(self) -> str:
        if not isinstance(self.value, str) or not self.value.strip():
            self.refuse("must be text, in quotes if it is a number")
        return " ".join(self.value.split())

    def items(self, read: Callable[["_Entry"], Value]) -> tuple[Value, ...]:
        if not isinstance(self.value, list | None):
            self.refuse("must be a list")
        entries = enumerate(self.value or ())
        return tuple(read(_Entry(self.path, f"{self.key}[{n}]", value)) for n, value in entries)

    def by_name(self, read: Callable[["_Entry"], Value]) -> dict[str, Value]:
        return {name: read(entry) for name, entry in self._entries().items()}

    def fields(self, *names: str) -> dict[str, "_Entry"]:
        found = self._entries()
        for name, entry in found.items():
            if name not in names:
                entry.refuse(f"is unknown; use one of {', '.join(names)}")
        return {name: found.get(name, self._below(name, None)) for name in names}

    def _entries(self) -> dict[str, "_Entry"]:
        if not isinstance(self.value, dict | None):
            self.refuse("must be a mapping")
        for name in self.value or ():
            if not isinstance(name, str):
                self._below(name, None).refuse("must have a name in quotes")
        return {name: self._below(name, value) for name, value in (self.value or {}).items()}

    def _below(self, name: object, value: Any) -> "_Entry":
        return _Entry(self.path, f"{self.key}.{name}" if self.key else str(name), value)


def _projects(entry: _Entry) -> ForProjects:
    parts = entry.fields("changed", "variables", "removed", "steps", "migrations")
    variables = parts["variables"].fields("added", "removed")
    removed = parts["removed"].fields("files", "endpoints", "choices", "questions")
    return ForProjects(
        changed=parts["changed"].items(_note),
        variables_added=variables["added"].by_name(_note),
        variables_removed=variables["removed"].by_name(_note),
        removed=Removed(
            files=removed["files"].by_name(_note),
            endpoints=removed["endpoints"].by_name(_note),
            choices=removed["choices"].by_name(lambda axis: axis.by_name(_note)),
            questions=removed["questions"].by_name(_note),
        ),
        steps=parts["steps"].items(_note),
        migrations=parts["migrations"].items(_note),
    )


def _note(entry: _Entry) -> Note:
    if not isinstance(entry.value, dict):
        return Note(entry.text())
    parts = entry.fields("text", "for")
    answers = parts["for"].by_name(lambda axis: axis.items(_Entry.text))
    for axis, choices in answers.items():
        if not choices:
            parts["for"].refuse(f"has no choice of {axis}")
    return Note(parts["text"].text(), answers)


def _mappings(entry: _Entry) -> Mappings:
    parts = entry.fields("questions", "choices", "files", "migrations")
    return Mappings(
        questions=_renames(parts["questions"]),
        choices=parts["choices"].by_name(_renames),
        files=_moves(parts["files"]),
        migrations=_renames(parts["migrations"]),
    )


def _renames(entry: _Entry) -> dict[str, str]:
    names = entry.by_name(_Entry.text)
    _refuse_circles(entry, {old: (new,) for old, new in names.items()})
    return names


def _moves(entry: _Entry) -> dict[str, tuple[str, ...]]:
    paths = entry.by_name(_paths)
    for path in paths:
        _refuse_outside(entry, path)
    _refuse_circles(entry, paths)
    return paths


def _paths(entry: _Entry) -> tuple[str, ...]:
    paths = entry.items(_Entry.text) if isinstance(entry.value, list) else (entry.text(),)
    if not paths:
        entry.refuse("names no file")
    for path in paths:
        _refuse_outside(entry, path)
    return paths


def _refuse_outside(entry: _Entry, path: str) -> None:
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or str(PurePosixPath(path)) != path:
        entry.refuse(f"has {path!r}, which is no path in a project")


def _refuse_circles(entry: _Entry, names: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse what leads back to a name: nobody could say which of them a project has."""
    for start in names:
        seen: set[str] = set()
        ahead = [*names[start]]
        while ahead:
            if (name := ahead.pop()) == start:
                entry.refuse(f"leads from {start} back to {start}")
            if name not in seen:
                seen.add(name)
                ahead += names.get(name, ())
