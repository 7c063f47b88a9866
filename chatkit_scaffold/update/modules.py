"""The project's own modules in one of its versions, and the names that they have."""

import ast
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from chatkit_scaffold.update.source import dotted, parse

_SUFFIXES = (".py", ".pyi", ".pyx", ".so", ".pyd", ".pyc")
_ATTRIBUTES = frozenset(
    f"__{name}__"
    for name in (
        *("annotations", "builtins", "cached", "dict", "doc", "file"),
        *("loader", "name", "package", "path", "spec"),
    )
)
"""What every module has."""

_MAYBE_DYNAMIC = re.compile(rb"\b(?:globals|vars|locals|exec|modules)\b")
_DYNAMIC = {"globals", "vars", "locals", "exec"}


class Name(NamedTuple):
    """A module, or a name in it.

    Attributes:
        module: The module's full name.
        name: The name in it; None for the module itself, `*` for all names.
    """

    module: str
    name: str | None = None

    @property
    def dotted(self) -> str:
        """The full name."""
        return f"{self.module}.{self.name}" if self.name else self.module


@dataclass(frozen=True, slots=True)
class Module:
    """A module.

    Attributes:
        names: The statements at its top level by the names that they define.
        opaque: Whether it may have other names: by `from x import *`, `__getattr__`, `globals()`,
            or because it is not in Python.
    """

    names: dict[str, ast.AST] = field(default_factory=dict)
    opaque: bool = False


_OPAQUE = Module(opaque=True)
_FOLDER = Module()


class State:
    """All modules of a version of the project, each parsed when it is first asked for.

    Attributes:
        paths: All files of this version.
        read: Returns the content of one of them.
        modules: The paths by full names of modules; a folder without `__init__.py` has None.
    """

    def __init__(
        self, paths: Iterable[str], read: Callable[[str], bytes], closed: Collection[str] = ()
    ) -> None:
        """Take the files of a version.

        Args:
            paths: The files.
            read: Returns the content of one of them.
            closed: Links and submodules, which may be packages with any names.
        """
        self.paths = frozenset(paths)
        self.read = read
        self.modules: dict[str, str | None] = {}
        self._closed = {_plain(path) for path in closed}
        self._parsed: dict[str, Module] = {}
        for path in sorted(self.paths):
            self._add(path)

    def module(self, name: str) -> Module | None:
        """Return a module by its full name, or None if there is no such module."""
        if any(name == closed or name.startswith(f"{closed}.") for closed in self._closed):
            return _OPAQUE
        if name not in self.modules:
            return None
        path = self.modules[name]
        if path is None:
            return _FOLDER
        if name not in self._parsed:
            self._parsed[name] = _parsed(self.read(path)) if path.endswith(".py") else _OPAQUE
        return self._parsed[name]

    def resolves(self, wanted: Name) -> bool:
        """Return whether an import of *wanted* would find it, or might."""
        top, _, below = wanted.module.partition(".")
        if top in sys.stdlib_module_names:
            return True
        if (module := self.module(wanted.module)) is None:
            return False
        if wanted.name is None:
            # An installed package wins over a mere folder at the top.
            return bool(below) or self.modules.get(top, "") is not None
        known = module.names.keys() | _ATTRIBUTES | {"*"}
        return module.opaque or wanted.name in known or wanted.dotted in self.modules

    def definition(self, wanted: Name) -> ast.AST | None:
        """Return the statement that defines a name."""
        module = self.module(wanted.module)
        return module.names.get(wanted.name or "") if module else None

    def _add(self, path: str) -> None:
        folders = package_of(path)
        while folders and folders not in self.modules:
            self.modules[folders] = None
            folders = folders.rpartition(".")[0]
        name = module_name(path)
        if name and not (self.modules.get(name) or "").endswith(".py"):
            self.modules[name] = path


def module_name(path: str) -> str:
    """Return the full name of the module in a file, or nothing if the file is none."""
    if not path.endswith(_SUFFIXES):
        return ""
    parts = _plain(path).removesuffix(".__init__")
    return parts if all(part.isidentifier() for part in parts.split(".")) else ""


def package_of(path: str) -> str:
    """Return the package that relative imports in a file start from."""
    return ".".join(path.split("/")[:-1])


def absolute(package: str, level: int, module: str) -> str | None:
    """Return the full name of what `from ..module import` names, or None if that is too high."""
    if not level:
        return module
    parts = package.split(".") if package else []
    if level > len(parts):
        return None
    return ".".join([*parts[: len(parts) - level + 1], *([module] if module else [])])


def relative(package: str, module: str) -> str:
    """Return *module* as a relative import from *package* names it, if it can."""
    here, there = package.split("."), module.split(".")
    common = 0
    while common < min(len(here), len(there)) and here[common] == there[common]:
        common += 1
    return "." * (len(here) - common + 1) + ".".join(there[common:]) if common else module


def _plain(path: str) -> str:
    folder, _, file = path.rpartition("/")
    stem = file.partition(".")[0]
    return f"{folder}/{stem}".strip("/").replace("/", ".")


def _parsed(content: bytes) -> Module:
    source = parse(content)
    if source is None:
        return _OPAQUE
    names = dict(_defined(source.tree.body))
    names |= _exported(names)
    if b"global " in content:
        nodes = (node for node in ast.walk(source.tree) if isinstance(node, ast.Global))
        names |= {name: node for node in nodes for name in node.names}
    dynamic = _MAYBE_DYNAMIC.search(content) and any(map(_is_dynamic, ast.walk(source.tree)))
    return Module(names, bool(dynamic) or "*" in names or "__getattr__" in names)


def _is_dynamic(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return dotted(node.func) in _DYNAMIC
    return dotted(node) == "sys.modules"


def _defined(body: Iterable[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    """Yield each name that statements define, wherever they stand in `if`, `try` and the like."""
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node
            case ast.Import():
                yield from (
                    (alias.asname or alias.name.split(".")[0], node) for alias in node.names
                )
            case ast.ImportFrom():
                yield from ((alias.asname or alias.name, node) for alias in node.names)
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.Expr():
                yield from ((name, node) for name in _stored(node))
            case ast.Lambda():
                continue
            case _:
                yield from ((name, node) for name in bound(node))
                yield from _defined(ast.iter_child_nodes(node))


def _stored(statement: ast.AST) -> Iterator[str]:
    return (name for node in ast.walk(statement) for name in bound(node))


def bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node itself gives a value to, or takes it from."""
    match node:
        case ast.Name(ctx=ast.Store() | ast.Del()):
            yield node.id
        case ast.ExceptHandler(name=str(name)):
            yield name
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name


def _exported(names: dict[str, ast.AST]) -> dict[str, ast.AST]:
    """Return the names in `__all__`, which may exist even if nobody can see how."""
    if (statement := names.get("__all__")) is None:
        return {}
    strings = (node for node in ast.walk(statement) if isinstance(node, ast.Constant))
    found = {node.value: statement for node in strings if isinstance(node.value, str)}
    return {name: node for name, node in found.items() if name not in names}
