"""Merges the lists of requirements in pyproject.toml by name, where git sees only lines.

The template sorts these lists and the user adds to them, so both change neighbouring lines.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_TABLE = re.compile(r"\[\[?(?P<name>[^\[\]]+)\]\]?\s*(#.*)?")
_START = re.compile(r"""["']?(?P<key>[\w.-]+)["']?\s*=\s*\[\s*(#.*)?""")
_END = re.compile(r"\]\s*(#.*)?")
_ITEM = re.compile(
    r"""(?P<value>\s*(?:"(?P<double>[^"]+)"|'(?P<single>[^']+)'|\{[^{}]*\}))"""
    r"(?P<comma>\s*,)?(?P<comment>\s*(?:#.*\s*)?)",
)
_NAME = re.compile(r"\s*([\w.-]+)")
_TABLES = ("project.dependencies", "project.optional-dependencies.", "dependency-groups.")

Texts = tuple[str, str, str]
"""What base, the user and the template have."""


@dataclass(frozen=True, slots=True)
class _Item:
    """A requirement: the comments above it, and its line."""

    comments: str
    line: str


@dataclass(frozen=True, slots=True)
class _List:
    """A list of requirements, one per line.

    Attributes:
        start: The number of its first line after the bracket, from 0.
        end: The number of the line with the closing bracket.
        items: Its requirements by name.
        rest: The comments after the last one.
    """

    start: int
    end: int
    items: Mapping[str, _Item]
    rest: str


def aligned(base: str, ours: str, theirs: str) -> dict[str, str] | None:
    """Return the files with merged lists: they differ only in what both sides changed.

    Returns:
        The versions `base`, `ours` and `theirs`; None if they have no list in common that has
        one requirement per line.
    """
    texts = {"base": base, "ours": ours, "theirs": theirs}
    lists = {side: _lists(text) for side, text in texts.items()}
    shared = [key for key in lists["base"] if key in lists["ours"] and key in lists["theirs"]]
    if not shared:
        return None
    merged = {key: _merged(*(found[key] for found in lists.values())) for key in shared}
    return {
        side: _replaced(text, lists[side], {key: found[number] for key, found in merged.items()})
        for number, (side, text) in enumerate(texts.items())
    }


def names_twice(text: str) -> bool:
    """Return whether a list of *text* has a requirement twice, as git may merge two additions."""
    return any(
        len({*names}) < len(names)
        for _, _, lines in _blocks(text)
        if (names := [_name(item) for line in lines if (item := _ITEM.fullmatch(line))])
    )


def _merged(base: _List, ours: _List, theirs: _List) -> Texts:
    sides = (base, ours, theirs)
    parts: list[Texts] = []
    for name in _order(ours.items, theirs.items):
        items = [side.items.get(name) for side in sides]
        comments = [item.comments if item else "" for item in items]
        lines = [item.line if item else "" for item in items]
        parts += [_choose(*comments), _choose(*lines)]
    parts.append(_choose(base.rest, ours.rest, theirs.rest))
    first, second, third = zip(*parts, strict=True)
    return "".join(first), "".join(second), "".join(third)


def _order(ours: Mapping[str, _Item], theirs: Mapping[str, _Item]) -> list[str]:
    """Return all names in the template's order, and the user's own behind their neighbour."""
    order = [*theirs]
    for before, name in pairwise(["", *ours]):
        if name not in theirs:
            order.insert(order.index(before) + 1 if before else 0, name)
    return order


def _choose(base: str, ours: str, theirs: str) -> Texts:
    """Return one text for all if only one side changed it, else each its own."""
    if ours in (base, theirs):
        return theirs, theirs, theirs
    return (ours, ours, ours) if theirs == base else (base, ours, theirs)


def _lists(text: str) -> dict[str, _List]:
    """Return the lists that have one requirement per line and each only once."""
    found = {}
    for key, start, lines in _blocks(text):
        items: dict[str, _Item] = {}
        comments = ""
        for line in lines:
            if not line.strip() or line.lstrip().startswith("#"):
                comments += line
            elif (item := _ITEM.fullmatch(line)) and (name := _name(item)) not in items:
                # The last one may have no comma, but may not stay the last.
                comma = item["comma"] or ","
                items[name] = _Item(comments, f"{item['value']}{comma}{item['comment']}")
                comments = ""
            else:
                break
        else:
            found[key] = _List(start, start + len(lines), items, comments)
    return found


def _blocks(text: str) -> list[tuple[str, int, Sequence[str]]]:
    """Return the key, the first line's number and the lines of each list over several lines."""
    table, key, start = "", "", 0
    blocks: list[tuple[str, int, Sequence[str]]] = []
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        stripped = line.strip()
        if key:
            if _END.fullmatch(stripped):
                blocks.append((key, start, lines[start:number]))
                key = ""
        elif found := _TABLE.fullmatch(stripped):
            table = found["name"].strip()
        elif (found := _START.fullmatch(stripped)) and (
            f"{table}.{found['key']}".startswith(_TABLES)
        ):
            key, start = f"{table}.{found['key']}", number + 1
    return blocks


def _name(item: re.Match[str]) -> str:
    """Return the name of a requirement as indexes compare it."""
    requirement = item["double"] or item["single"] or ""
    name = _NAME.match(requirement)
    # The rest includes another group, which is named by its whole text.
    return re.sub(r"[-_.]+", "-", name[1]).lower() if name else item["value"].strip()


def _replaced(text: str, lists: Mapping[str, _List], merged: Mapping[str, str]) -> str:
    lines = text.splitlines(keepends=True)
    for key in sorted(merged, key=lambda key: lists[key].start, reverse=True):
        lines[lists[key].start : lists[key].end] = [merged[key]]
    return "".join(lines)
