"""Import statements as they have to be after the merge."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chatkit_scaffold.update.modules import Name, bound, package_of, relative
from chatkit_scaffold.update.moves import Moves
from chatkit_scaffold.update.source import Edit, Source, dotted
from chatkit_scaffold.update.states import Import, States, imports

_WIDTH = 88
_INDENT = " " * 4


@dataclass(frozen=True, slots=True)
class Change:
    """A reference that follows a move.

    Attributes:
        edits: The changes of the text.
        line: Its line before them.
        old: What it named.
        new: What it names.
    """

    edits: tuple[Edit, ...]
    line: int
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A name of an import statement that does not exist any more.

    Attributes:
        asked: The name as the statement has it.
        name: What it was before the merge.
        now: Where it is now, if that is certain.
    """

    asked: Import
    name: Name
    now: Name | None


def lost_imports(source: Source, path: str, states: States, moves: Moves) -> list[list[Lost]]:
    """Return what the merge broke, statement by statement."""
    found: dict[ast.stmt, list[Lost]] = {}
    for each in imports(source.tree):
        if name := states.lost(path, each.wanted):
            # In a file that moved, a relative import may only need more or fewer dots.
            now = name if states.merged.resolves(name) else moves.destination(name)
            found.setdefault(each.node, []).append(Lost(each, name, now))
    return list(found.values())


def followed(source: Source, path: str, lost: Sequence[Lost]) -> Iterator[Change]:
    """Yield the changes of one statement whose names moved, if all of it can be changed safely."""
    statement = lost[0].asked.node
    if isinstance(statement, ast.Import):
        yield from _import_followed(source, lost)
    elif edit := _from_followed(source, path, statement, lost):
        line = statement.lineno
        pairs = dict.fromkeys(_pair(each.name, each.now) for each in lost if each.now)
        yield from (Change((edit,), line, old, new) for old, new in pairs)


def without(source: Source, path: str, lost: Sequence[Lost]) -> str:
    """Return the text of a statement without what is gone, and with what moved."""
    statement = lost[0].asked.node
    gone = {each.asked.alias: each.now for each in lost}
    if isinstance(statement, ast.Import):
        kept = [alias for alias in statement.names if alias not in gone]
        lines = [f"import {', '.join(map(_alias, kept))}"] if kept else []
        lines += [_plain_import(alias, now.dotted) for alias, now in gone.items() if now]
    else:
        lines = _split(statement, path, gone, source)
    return _joined(source, statement, lines) or _nothing(source, statement)


def _import_followed(source: Source, lost: Sequence[Lost]) -> Iterator[Change]:
    for each in lost:
        alias = each.asked.alias
        if each.now is None or not source.segment(alias).startswith(alias.name):
            continue
        new, start = each.now.dotted, source.start(alias)
        edits = [Edit(start, start + len(alias.name), new)]
        if not alias.asname and "." not in alias.name:
            edits = [Edit(start, start + len(alias.name), f"{new} as {alias.name}")]
        elif not alias.asname:
            chains = _chains(source, alias.name)
            if chains is None or "." not in new or new.split(".")[0] != alias.name.split(".")[0]:
                continue
            edits += [Edit(source.start(node), source.end(node), new) for node in chains]
        yield Change(tuple(edits), each.asked.node.lineno, each.name.dotted, new)


def _chains(source: Source, name: str) -> list[ast.Attribute] | None:
    """Return all uses of `import a.b`, or None if `a` may also be something else in the file."""
    if not binds_only_package(source.tree, name.partition(".")[0]):
        return None
    nodes = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and dotted(node) == name
    ]
    return nodes if all(source.segment(node) == name for node in nodes) else None


def binds_only_package(tree: ast.Module, top: str) -> bool:
    """Return whether `import top.…` is all that gives *top* a meaning in a file."""
    return all(
        kind is ast.Import and not alias.asname
        for name, kind, alias in bindings(tree)
        if name == top
    )


def bindings(tree: ast.Module) -> Iterator[tuple[str, type[ast.AST], ast.alias]]:
    """Yield every name that anything in a file gives a meaning to, and how."""
    nothing = ast.alias("")
    for node in ast.walk(tree):
        match node:
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    plain = alias.name.split(".")[0] if isinstance(node, ast.Import) else alias.name
                    yield alias.asname or plain, type(node), alias
            case ast.arg(arg=name):
                yield name, ast.arg, nothing
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, type(node), nothing
            case _:
                yield from ((name, type(node), nothing) for name in bound(node))


def _from_followed(
    source: Source, path: str, statement: ast.ImportFrom, lost: Sequence[Lost]
) -> Edit | None:
    moved = {each.asked.alias: each.now for each in lost if each.now}
    if not moved:
        return None
    if (edit := _module_only(source, path, statement, moved)) is not None:
        return edit
    text, lines = source.segment(statement), _split(statement, path, moved, source)
    # A comment belongs to a name that may go elsewhere.
    if "#" in text or "\\" in text or (len(lines) > 1 and "#" in source.after(statement)):
        return None
    new = _joined(source, statement, lines)
    return Edit(source.start(statement), source.end(statement), new)


def _module_only(
    source: Source, path: str, statement: ast.ImportFrom, moved: Mapping[ast.alias, Name]
) -> Edit | None:
    """Return the change of `from a import b` to `from c import b`, if that is all there is."""
    modules = {now.module for now in moved.values()}
    same_names = all(
        alias in moved and alias.name == moved[alias].name for alias in statement.names
    )
    if len(modules) > 1 or not same_names:
        return None
    old = "." * statement.level + (statement.module or "")
    found = re.compile(r"from[ \t]*").match(source.text, source.start(statement))
    if found is None or not source.text.startswith(old, found.end()):
        return None
    at = found.end()
    return Edit(at, at + len(old), _spelled(modules.pop(), path, statement.level))


def _split(
    statement: ast.ImportFrom,
    path: str,
    moved: Mapping[ast.alias, Name | None],
    source: Source,
) -> list[str]:
    """Return a statement for each module that the names of one are now in."""
    old = "." * statement.level + (statement.module or "")
    groups: dict[str, list[str]] = {}
    for alias in statement.names:
        now = moved.get(alias)
        if now:
            module = _spelled(now.module, path, statement.level)
            name = now.name or ""
            bound_name = alias.asname or alias.name
            groups.setdefault(module, []).append(
                name if name == bound_name else f"{name} as {bound_name}"
            )
        elif alias not in moved:
            groups.setdefault(old, []).append(_alias(alias))
    wide = len(source.before(statement))
    return [_from(module, names, wide, source.newline) for module, names in groups.items()]


def _from(module: str, names: Sequence[str], indent: int, newline: str) -> str:
    line = f"from {module} import {', '.join(names)}"
    if indent + len(line) <= _WIDTH:
        return line
    # With a comma at the end, formatters leave it in several lines whatever their width is.
    margin = " " * indent
    inner = "".join(f"{margin}{_INDENT}{name},{newline}" for name in names)
    return f"from {module} import ({newline}{inner}{margin})"


def _joined(source: Source, statement: ast.stmt, lines: Sequence[str]) -> str:
    before = source.before(statement)
    if before.strip() or source.after(statement).strip().startswith(";"):
        return "; ".join(lines)
    return f"{source.newline}{before}".join(lines)


def _nothing(source: Source, statement: ast.stmt) -> str:
    """Return `pass` if a block would be empty without the statement."""
    bodies = (getattr(node, "body", None) for node in ast.walk(source.tree))
    alone = any(body == [statement] for body in bodies if isinstance(body, list))
    return "pass" if alone and statement not in source.tree.body else ""


def _plain_import(alias: ast.alias, new: str) -> str:
    return f"import {new} as {alias.asname}" if alias.asname else f"import {new}"


def _alias(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def _spelled(module: str, path: str, level: int) -> str:
    return relative(package_of(path), module) if level else module


def _pair(old: Name, new: Name | None) -> tuple[str, str]:
    """Return both names, without what they have in common at the end."""
    if new and old.name == new.name and old.module != new.module:
        return old.module, new.module
    return old.dotted, new.dotted if new else ""
