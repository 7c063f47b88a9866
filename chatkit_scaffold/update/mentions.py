"""Names of modules in strings, and uses of names through a module."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from chatkit_scaffold.update.modules import Name, absolute, package_of
from chatkit_scaffold.update.moves import Moves
from chatkit_scaffold.update.source import Edit, Source, dotted, guarded, last_line
from chatkit_scaffold.update.statements import Change, bindings, binds_only_package
from chatkit_scaffold.update.states import States, imports

_REFERENCE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?::[A-Za-z_]\w*(?:\.\w+)*)?")
_IMPORTERS = {"import_module", "importorskip", "find_spec", "run_module", "__import__"}
_LITERAL = re.compile(r"[rRuU]?(\"\"\"|'''|\"|')(.*)\1", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Mention:
    """A string that names something that the merge lost.

    Attributes:
        node: The string.
        text: Its value.
        name: What it names.
        rest: What the string has after that.
        imports: Whether the code imports by it.
    """

    node: ast.Constant
    text: str
    name: Name
    rest: str
    imports: bool

    @property
    def certain(self) -> bool:
        """Whether it is surely a reference, and not only the name of a logger, for example."""
        return self.imports or self.name.name is not None


@dataclass(frozen=True, slots=True)
class Use:
    """`module.name` in the code, where the merge lost the name.

    Attributes:
        first: The first line to mark.
        last: The last one.
        name: The lost name.
    """

    first: int
    last: int
    name: Name


def mentions(source: Source, path: str, states: States) -> Iterator[Mention]:
    """Yield the strings that name what is lost, such as `"app.old:create"`."""
    imported = set(_imported_by_name(source.tree))
    for node, text in _strings(source.tree):
        if not _REFERENCE.fullmatch(text) or (split := _split(text, states)) is None:
            continue
        name, rest = split
        if states.mentioned(path, text, name):
            yield Mention(node, text, name, rest, node in imported)


def mention_followed(source: Source, mention: Mention, moves: Moves) -> Change | None:
    """Return the change of a string to the new name, if that is certain."""
    now = moves.destination(mention.name)
    literal = _LITERAL.fullmatch(source.segment(mention.node))
    if not (now and mention.certain and literal and literal[2] == mention.text):
        return None
    old, start = mention.text, source.start(mention.node) + literal.start(2)
    colon = ":" if ":" in old else "."
    new = f"{now.module}{colon}{now.name}{mention.rest}" if mention.name.name else now.dotted
    edit = Edit(start, start + len(old), new)
    return Change((edit,), mention.node.lineno, old, new)


def lost_uses(source: Source, path: str, states: States, moves: Moves) -> Iterator[Use]:
    """Yield where the code uses a lost name through its module, if that is certain."""
    handles = dict(_handles(source, path, states))
    if not handles:
        return
    tried = guarded(source.tree, frozenset({"AttributeError"}))
    named = {text for _, text in _strings(source.tree)}
    assigned = {
        node.attr
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
    }
    for statement, node in _attributes(source.tree):
        module = handles.get(dotted(node.value))
        if not module or node in tried or node.attr in named | assigned:
            continue
        now = Name(module, node.attr)
        if states.merged.resolves(now) or _assigned_anywhere(now, states):
            continue
        # The import may have followed a module that was split: then the name is in another part.
        for before in (module, *moves.former(module)):
            name = Name(before, node.attr)
            if states.mentioned(path, f".{node.attr}", name):
                yield Use(*_lines(statement, node), name)
                break


def _strings(tree: ast.Module) -> Iterator[tuple[ast.Constant, str]]:
    """Yield the strings, without the parts of f-strings, which have no place of their own."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node, node.value
        if not isinstance(node, ast.JoinedStr):
            todo.extend(reversed([*ast.iter_child_nodes(node)]))


def _imported_by_name(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in _IMPORTERS:
            yield from node.args
        elif isinstance(node, ast.Assign) and "pytest_plugins" in map(dotted, node.targets):
            yield from ast.walk(node.value)


def _split(text: str, states: States) -> tuple[Name, str] | None:
    """Return the module or name that a string names, and what follows."""
    before, _, after = text.partition(":")
    known = states.ours.modules.keys() | states.theirs.modules.keys()
    parts = before.split(".")
    for length in range(len(parts), 0, -1):
        if (module := ".".join(parts[:length])) in known:
            below = [*parts[length:], *(after.split(".") if after else [])]
            rest = "".join(f".{part}" for part in below[1:])
            return Name(module, below[0] if below else None), rest
    return None


def _handles(source: Source, path: str, states: States) -> Iterator[tuple[str, str]]:
    """Yield the expressions that surely are modules of the project, and which."""
    times = Counter(name for name, *_ in bindings(source.tree))
    for node, alias, (level, package, name) in imports(source.tree):
        module = absolute(package_of(path), level, package)
        full = f"{module}.{name}" if name else module
        # If the module itself is gone, its import is marked already.
        if not full or not states.merged.modules.get(full):
            continue
        handle = alias.asname or alias.name
        if isinstance(node, ast.Import) and not alias.asname:
            if binds_only_package(source.tree, handle.partition(".")[0]):
                yield handle, full
        elif times[handle] == 1:
            yield handle, full


def _attributes(tree: ast.Module) -> Iterator[tuple[ast.stmt, ast.Attribute]]:
    """Yield the expressions `a.b`, each with the innermost statement around it."""
    inner: dict[ast.AST, ast.stmt] = {}
    for node in ast.walk(tree):  # Outer nodes come first.
        for child in ast.iter_child_nodes(node):
            around = node if isinstance(node, ast.stmt) else inner.get(node)
            if around:
                inner[child] = around
        if isinstance(node, ast.Attribute) and node in inner:
            yield inner[node], node


def _lines(statement: ast.stmt, node: ast.Attribute) -> tuple[int, int]:
    """Return the lines of a simple statement, or of the expression in the head of a block."""
    if hasattr(statement, "body") or isinstance(statement, ast.Match):
        return node.lineno, last_line(node)
    return statement.lineno, last_line(statement)


def _assigned_anywhere(name: Name, states: States) -> bool:
    """Return whether any file sets an attribute of this name, such as that of the module."""
    setting = re.compile(rb"\.%s\s*(?::[^=\n]*)?=[^=]" % re.escape((name.name or "").encode()))
    paths = (path for path in states.merged.paths if path.endswith(".py"))
    return any(setting.search(states.merged.read(path)) for path in paths)
