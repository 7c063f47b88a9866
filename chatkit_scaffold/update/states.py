"""What both states of a merge have, so that it shows what got lost between them."""

import ast
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from chatkit_scaffold.update.modules import Name, State, absolute, module_name, package_of
from chatkit_scaffold.update.source import parse
from chatkit_scaffold.update.trees import Entries, Trees

Wanted = tuple[int, str, str | None]
"""An import as it is written: dots, module, name."""


@dataclass(frozen=True)
class States:
    """The project before, on both states of, and after the merge.

    Attributes:
        base: The render of the recorded version.
        ours: What the user made of it.
        theirs: The render of the new version.
        merged: The result.
        renames: Pairs of an old and a new path, whoever renamed the file.
        label: The new version as a sentence names it.
    """

    base: State
    ours: State
    theirs: State
    merged: State
    renames: Sequence[tuple[str, str]]
    label: str
    _wanted: dict[str, set[Wanted]] = field(default_factory=dict)

    def modules(self) -> set[str]:
        """Return the files of all modules, before and after the merge."""
        paths = self.ours.paths | self.theirs.paths | self.merged.paths
        return {path for path in paths if path.endswith(".py")}

    def before(self, side: State, path: str) -> str:
        """Return the path that a file of the result has on a side."""
        if path in side.paths:
            return path
        return next((old for old, new in self.renames if new == path and old in side.paths), path)

    def lost(self, path: str, wanted: Wanted) -> Name | None:
        """Return what an import in a file of the result meant, if the merge broke it.

        What the user's own version of the file imports was broken before, if it does not exist
        in the user's version of the project. Any other import is the template's.
        """
        if (now := _name(path, wanted)) is None or self.merged.resolves(now):
            return None
        ours = self.before(self.ours, path)
        side = self.ours if wanted in self._imports_of(ours) else self.theirs
        meant = _name(self.before(side, path), wanted)
        return meant if meant and side.resolves(meant) else None

    def mentioned(self, path: str, text: str, name: Name) -> bool:
        """Return whether *text*, somewhere in a file of the result, names what the merge lost."""
        if self.merged.resolves(name):
            return False
        ours = self.before(self.ours, path)
        in_ours = ours in self.ours.paths and text.encode() in self.ours.read(ours)
        return (self.ours if in_ours else self.theirs).resolves(name)

    def culprit(self, name: Name) -> str:
        """Return why a name is missing, as the end of a sentence."""
        if not self.theirs.resolves(name):
            return f"which {self.label} removed"
        return "which you removed" if not self.ours.resolves(name) else "which the merge removed"

    def _imports_of(self, path: str) -> set[Wanted]:
        if path not in self.ours.paths:
            return set()
        if path not in self._wanted:
            source = parse(self.ours.read(path))
            found = imports(source.tree) if source else ()
            self._wanted[path] = {each.wanted for each in found}
        return self._wanted[path]


class Import(NamedTuple):
    """One name that an import statement asks for.

    Attributes:
        node: The statement.
        alias: The part of it.
        wanted: What is asked for, as it is written.
    """

    node: ast.Import | ast.ImportFrom
    alias: ast.alias
    wanted: Wanted


def imports(tree: ast.Module) -> Iterator[Import]:
    """Yield all imports of a file, wherever they are."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node, alias, (0, alias.name, None))
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield Import(node, alias, (node.level, node.module or "", alias.name))


def state_of(trees: Trees, entries: Entries, contents: Mapping[str, bytes]) -> State:
    """Return the modules of a tree, whose Python files are in *contents* by object name."""

    def read(path: str) -> bytes:
        oid = entries[path].oid
        return contents[oid] if oid in contents else trees.contents([oid]).get(oid, b"")

    closed = {path for path, entry in entries.items() if not entry.is_file}
    return State(entries.keys() - closed, read, closed)


def state_in(folder: Path) -> State:
    """Return the modules in a render."""
    paths = {
        os.path.relpath(os.path.join(parent, name), folder)  # noqa: PTH118 - three times as fast
        for parent, _, names in os.walk(folder)
        for name in names
    }
    return State(paths, lambda path: (folder / path).read_bytes())


def renamed_modules(renames: Sequence[tuple[str, str]], merged: State) -> dict[str, str]:
    """Return the modules that have another name now: old to new, only where that is certain."""
    found: dict[str, set[str]] = {}
    for old, new in renames:
        if (before := module_name(old)) and (after := module_name(new)) and before != after:
            found.setdefault(before, set()).add(after)
    certain = {}
    for old, names in found.items():
        existing = names & merged.modules.keys()
        if len(existing) == 1:
            certain[old] = existing.pop()
    return _packages(certain, merged) | certain


def _packages(modules: Mapping[str, str], merged: State) -> dict[str, str]:
    """Return the packages all of whose modules went to one other package."""
    found: dict[str, set[str]] = {}
    for old, new in modules.items():
        before, after = old.rpartition("."), new.rpartition(".")
        while before[0] not in merged.modules and before[0] and after[0]:
            found.setdefault(before[0], set()).add(after[0])
            before, after = before[0].rpartition("."), after[0].rpartition(".")
    return {old: names.pop() for old, names in found.items() if len(names) == 1}


def _name(path: str, wanted: Wanted) -> Name | None:
    level, module, name = wanted
    full = absolute(package_of(path), level, module)
    return Name(full, name) if full else None
