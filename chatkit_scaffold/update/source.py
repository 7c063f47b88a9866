"""Python files whose text changes in single places, with every other byte as it was."""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class Located(Protocol):
    """A node of a syntax tree that has a place in the text."""

    lineno: int
    col_offset: int
    end_lineno: int | None
    end_col_offset: int | None


class Edit(NamedTuple):
    """A change of the text from *start* to *end*, in characters."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Source:
    """A Python file.

    Attributes:
        text: Its text, with its own line ends.
        encoding: As it declares.
        tree: Its syntax tree.
    """

    text: str
    encoding: str
    tree: ast.Module

    @cached_property
    def lines(self) -> list[str]:
        """The lines with their ends; a form feed ends none, as for Python."""
        return _LINE.findall(self.text)

    @cached_property
    def newline(self) -> str:
        """How most lines end, judging by the first."""
        first = self.lines[0] if self.lines else ""
        return first[len(first.rstrip("\r\n")) :] or "\n"

    def start(self, node: Located) -> int:
        """Return where a node starts."""
        return self._offset(node.lineno, node.col_offset)

    def end(self, node: Located) -> int:
        """Return where a node ends."""
        return self._offset(last_line(node), node.end_col_offset or 0)

    def segment(self, node: Located) -> str:
        """Return the text of a node."""
        return self.text[self.start(node) : self.end(node)]

    def before(self, node: Located) -> str:
        """Return what the first line of a node has before it."""
        return self.text[self._starts[node.lineno - 1] : self.start(node)]

    def after(self, node: Located) -> str:
        """Return what the last line of a node has after it."""
        return self.text[self.end(node) : self._starts[last_line(node)]].rstrip("\r\n")

    def changed(self, edits: Iterable[Edit]) -> bytes:
        """Return the file with *edits*; of two that overlap, only the longer one counts."""
        parts, done = [], 0
        for edit in sorted(edits, key=lambda each: (each.start, -each.end)):
            if edit.start >= done:
                parts += [self.text[done : edit.start], edit.text]
                done = edit.end
        return "".join([*parts, self.text[done:]]).encode(self.encoding)

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for line in self.lines:
            starts.append(starts[-1] + len(line))
        return starts

    def _offset(self, line: int, column: int) -> int:
        # Python counts columns in bytes of UTF-8, whatever the file's encoding is.
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return self._starts[line - 1] + len(text.encode()[:column].decode())


def last_line(node: Located) -> int:
    """Return the number of a node's last line."""
    return node.end_lineno or node.lineno


def parse(content: bytes) -> Source | None:
    """Return a file, or None if this Python cannot read it; then it is not ours to judge."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
        with warnings.catch_warnings():
            # About the user's code, such as an invalid escape sequence in it.
            warnings.simplefilter("ignore")
            return Source(text, encoding, ast.parse(text))
    except (SyntaxError, ValueError, LookupError, RecursionError, MemoryError):
        return None


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` for such an expression, and nothing for any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := dotted(node.value)):
        return f"{base}.{node.attr}"
    return ""


def guarded(tree: ast.Module, errors: frozenset[str]) -> set[ast.AST]:
    """Return everything that runs where one of *errors*, or any error, is caught."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try | ast.TryStar):
            caught = [handler.type for handler in node.handlers]
        elif isinstance(node, ast.With | ast.AsyncWith):
            caught = [error for item in node.items for error in _suppressed(item.context_expr)]
        else:
            continue
        if any(_catches(each, errors) for each in caught):
            found.update(_inside(node.body))
    return found


def _inside(body: list[ast.stmt]) -> Iterator[ast.AST]:
    for statement in body:
        yield from ast.walk(statement)


def _suppressed(node: ast.expr) -> list[ast.expr | None]:
    """Return the errors of `contextlib.suppress` and of `pytest.raises`."""
    is_catching = isinstance(node, ast.Call) and dotted(node.func).endswith(("suppress", "raises"))
    return [*node.args] if is_catching and isinstance(node, ast.Call) else []


def _catches(caught: ast.expr | None, errors: frozenset[str]) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(_catches(each, errors) for each in caught.elts)
    return caught is None or dotted(caught) in errors | {"Exception", "BaseException"}
