"""Where a module, or a name in one, is after the merge."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chatkit_scaffold.update.modules import Name, State, absolute, package_of
from chatkit_scaffold.update.states import States

_LONGEST_CHAIN = 10


@dataclass(frozen=True, slots=True)
class Moves:
    """What is certain about names that went elsewhere.

    Attributes:
        states: The project on both states of the merge.
        modules: Old names of modules to new ones.
    """

    states: States
    modules: Mapping[str, str]

    def destination(self, name: Name, depth: int = 0) -> Name | None:
        """Return where a lost name is now, or None if it is gone or that is not certain."""
        if depth > _LONGEST_CHAIN:  # Two modules that import a name from each other.
            return None
        if name.name is None:
            return self._module(name.module)
        if moved := self._module(name.dotted):
            package, _, last = moved.module.rpartition(".")
            return Name(package, last) if package else moved
        if (module := self._module(name.module)) and self._has(module.module, name):
            return Name(module.module, name.name)
        return self._source(name, depth) or self._definition(name)

    def former(self, module: str) -> Iterator[str]:
        """Yield the old names of a module."""
        return (old for old, new in self.modules.items() if new == module)

    def _has(self, module: str, name: Name) -> bool:
        """Return whether a module has a name of another one; for `*`, all that this defines."""
        if name.name != "*":
            return self._exists(Name(module, name.name))
        sides = (side.module(name.module) for side in (self.states.ours, self.states.theirs))
        names = next((found.names for found in sides if found), {})
        return all(
            self._exists(Name(module, each))
            for each, statement in names.items()
            if not each.startswith("_") and not isinstance(statement, ast.Import | ast.ImportFrom)
        )

    def _module(self, module: str) -> Name | None:
        """Return the new name of a module that was renamed itself, or with its package."""
        package, below = module, ""
        while package:
            moved = self.modules.get(package)
            if moved and self._exists(found := Name(f"{moved}{below}")):
                return found
            package, _, last = package.rpartition(".")
            below = f".{last}{below}"
        return None

    def _source(self, name: Name, depth: int) -> Name | None:
        """Return where a module, which no longer does so, imported a name from."""
        for side in (self.states.ours, self.states.theirs):
            statement = side.definition(name)
            if not isinstance(statement, ast.ImportFrom) or not (path := side.modules[name.module]):
                continue
            alias = next(a for a in statement.names if (a.asname or a.name) == name.name)
            module = absolute(package_of(path), statement.level, statement.module or "")
            source = Name(module or "", alias.name)
            if side.resolves(source):
                return source if self._exists(source) else self.destination(source, depth + 1)
        return None

    def _definition(self, name: Name) -> Name | None:
        """Return the only module to which the definition of a name moved."""
        statements = [side.definition(name) for side in (self.states.ours, self.states.theirs)]
        wanted = [shape for statement in statements if (shape := _shape(statement))]
        found = [
            module
            for module, statement in self._definitions(name.name or "")
            if _shape(statement) in wanted and not _defines(self.states.base, module, name)
        ]
        return Name(found[0], name.name) if len(found) == 1 else None

    def _definitions(self, name: str) -> Iterator[tuple[str, ast.AST | None]]:
        merged = self.states.merged
        for module, path in merged.modules.items():
            if path and name.encode() in merged.read(path):
                yield module, merged.definition(Name(module, name))

    def _exists(self, name: Name) -> bool:
        return self.states.merged.resolves(name)


def _shape(statement: ast.AST | None) -> str:
    """Return what a definition that moved has in common with itself."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return "function"
        case ast.ClassDef():
            return "class"
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            # There are many `logger` and `router`; only one with the same value is the same.
            return ast.dump(value)
    return ""


def _defines(state: State, module: str, name: Name) -> bool:
    return bool(_shape(state.definition(Name(module, name.name))))
