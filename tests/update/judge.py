"""Judges the result of an update by comparing folders: it uses nothing of what it judges."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from itertools import product
from pathlib import Path

Files = Mapping[str, str]
"""The texts of a folder's files, by path."""

MARKER = "<<<<<<< "
_OWN = ("app", "tests")


@dataclass(frozen=True, slots=True)
class Case:
    """An update and its result.

    Attributes:
        old: The project as the old release creates it.
        mine: The same with the user's edits.
        new: The project as the new release creates it.
        result: What the update has made of it.
        wanted: The new project with the edits.
        variants: The same without edits that are in conflict: all of these, or one of them.
        conflicts: The paths in conflict.
        renamed: New path by old path, of files that one side renamed.
    """

    old: Files
    mine: Files
    new: Files
    result: Files
    wanted: Files
    variants: Sequence[Files]
    conflicts: frozenset[str]
    renamed: Mapping[str, str]


def files(folder: Path) -> dict[str, str]:
    """Return the texts of all files below *folder*, except git's own."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def problems(case: Case) -> list[str]:
    """Return everything that is wrong with a result."""
    found = [*_leftovers(case), *_differences(case), *_missing(case)]
    return [*found, *_needless(case), *_unmarked(case), *_broken(case)]


def _leftovers(case: Case) -> Iterator[str]:
    for path in case.result:
        if path.endswith((".rej", ".orig")):
            yield f"{path} is left over"


def _unmarked(case: Case) -> Iterator[str]:
    """Yield files with markers that are not listed as conflicts."""
    for path, text in case.result.items():
        if path not in case.conflicts and f"\n{MARKER}" in f"\n{text}":
            yield f"{path} has a marker, and is not listed"


def _differences(case: Case) -> Iterator[str]:
    """Yield files that are not what the new release creates, with the edits."""
    for path in sorted({*case.result, *case.wanted} - case.conflicts):
        found = case.result.get(path)
        right = [files.get(path) for files in (case.wanted, *case.variants)]
        if found not in right:
            yield f"{path} {_difference(case.wanted.get(path), found)}"


def _difference(wanted: str | None, found: str | None) -> str:
    if wanted is None or found is None:
        return "is missing" if found is None else "should not be there"
    changed = [line for line in _changed(wanted, found) if line.strip()]
    return "differs: " + " | ".join(changed[:6])


def _changed(before: str, after: str) -> Iterator[str]:
    old, new = before.splitlines(), after.splitlines()
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            yield from (f"-{line}" for line in old[i1:i2])
            yield from (f"+{line}" for line in new[j1:j2])


def _missing(case: Case) -> Iterator[str]:
    """Yield lines of the template and of the user that a file in conflict does not have."""
    for path in sorted(case.conflicts & case.result.keys()):
        has = {_plain(line) for line in case.result[path].splitlines()}
        for name, side in (("template", case.new), ("user", case.mine)):
            before, after = _before(case, path), side.get(path)
            if after is None or before is None:
                continue
            added = {_plain(line) for line in after.splitlines()} - {
                _plain(line) for line in before.splitlines()
            }
            if lost := sorted(added - has):
                yield f"{path} lacks what the {name} has added: {' | '.join(lost[:4])}"


def _plain(line: str) -> str:
    """Return a line without what the update may adjust in it: the module of an import."""
    words = line.split()
    return " ".join(words[:1] + words[2:]) if line.startswith("from app.") else line


def _before(case: Case, path: str) -> str | None:
    """Return a file's text in the old project, by its path in the result."""
    if path in case.old:
        return case.old[path]
    origin = next((old for old, new in case.renamed.items() if new == path), None)
    return case.old.get(origin) if origin else None


def _needless(case: Case) -> Iterator[str]:
    """Yield conflicts although nobody has changed lines that touch."""
    for path in sorted(case.conflicts):
        before = _before(case, path)
        origin = next((old for old, new in case.renamed.items() if new == path), path)
        mine = case.mine.get(path, case.mine.get(origin))
        new = case.new.get(path, case.new.get(origin))
        if before is None or mine is None or new is None:
            continue
        hunks = product(_hunks(before, mine), _hunks(before, new))
        if not any(_touch(one, two) for one, two in hunks):
            yield f"{path} is in conflict although no changed lines touch"


@cache
def _hunks(before: str, after: str) -> list[tuple[int, int]]:
    matcher = SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    return [(i1, i2) for kind, i1, i2, _, _ in matcher.get_opcodes() if kind != "equal"]


def _touch(one: tuple[int, int], two: tuple[int, int]) -> bool:
    return one[0] <= two[1] and two[0] <= one[1]


def _broken(case: Case) -> Iterator[str]:
    """Yield imports that lead nowhere, in files without a marker."""
    defined = {_module(path): _names(text) for path, text in _python(case.result)}
    packages = {name.rpartition(".")[0] for name in defined}
    for path, text in _python(case.result):
        for module, name in _imported(text):
            if f"{module}.{name}" in defined or f"{module}.{name}" in packages:
                continue
            names = defined.get(module)
            if names is None and not (module in packages and not name):
                yield f"{path} imports {module}, which does not exist"
            elif names and name and name not in names and "*" not in names:
                yield f"{path} imports {name} of {module}, which does not define it"


def _python(tree: Files) -> Iterator[tuple[str, str]]:
    return ((path, text) for path, text in tree.items() if path.endswith(".py"))


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def _imported(text: str) -> frozenset[tuple[str, str]]:
    """Return the modules of the project that a file imports, with the names.

    Most files are the same in most results, so each is parsed once; one in conflict cannot be.
    """
    return frozenset(one for node in _nodes(text) for one in _of_project(node))


def _of_project(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        yield from ((one.name, "") for one in node.names if one.name.split(".")[0] in _OWN)
    elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in _OWN:
        yield from ((str(node.module), one.name) for one in node.names)


@cache
def _names(text: str) -> frozenset[str]:
    """Return what a module defines; everything if it has a marker."""
    nodes = _nodes(text)
    names = set() if nodes else {"*"}
    for node in nodes:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.Name(ctx=ast.Store()):
                names.add(node.id)
            case ast.Import() | ast.ImportFrom():
                names |= {(one.asname or one.name).split(".")[0] for one in node.names}
            case _:
                pass
    return frozenset(names)


def _nodes(text: str) -> list[ast.AST]:
    try:
        return list(ast.walk(ast.parse(text)))
    except SyntaxError:
        return []
