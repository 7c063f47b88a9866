"""Gives the template's files the line ends and the format that the user gave to their own.

Otherwise every line of a reformatted project would conflict with the template's changes.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from chatkit_scaffold.update import formatting, renames
from chatkit_scaffold.update.formatting import Batch
from chatkit_scaffold.update.renames import Sides
from chatkit_scaffold.update.trees import Entries, Entry, Trees

Side = Literal["base", "theirs"]


@dataclass(frozen=True, slots=True)
class _Habit:
    """Which files have the user's style.

    Attributes:
        known: Whether a file has it, for those that base and the user have.
        usual: Whether most of them do, which decides about new and renamed files.
    """

    known: Mapping[str, bool]
    usual: bool

    def has(self, path: str) -> bool:
        """Return whether a file that was *path* in base gets the user's style."""
        return self.known.get(path, self.usual)

    def __bool__(self) -> bool:
        """Whether any file has it."""
        return self.usual or any(self.known.values())


def adopt(trees: Trees, sides: Sides) -> Sides:
    """Return the sides with base and theirs in the user's style."""
    return _adopt_format(trees, _adopt_line_ends(trees, sides))


def keep_format(
    trees: Trees, ours: Entries, result: Entries, sources: Mapping[str, str]
) -> Entries:
    """Return the result with those files formatted that the user had formatted.

    Args:
        trees: The project's trees.
        ours: The user's files.
        result: What became of them.
        sources: The files that may need it: the path in the result to the user's.
    """
    changed = {
        path: source
        for path, source in sources.items()
        if formatting.is_formatted(path) and source in ours and ours[source] != result[path]
    }
    if not changed:
        return result
    before = _batch(trees, ours, {*changed.values()})
    after = _batch(trees, result, {*changed})
    formatted = formatting.formatted({"before": before, "after": after}, trees.repository.prefix)
    new = {
        path: formatted["after"][path]
        for path, source in changed.items()
        if path in formatted["after"] and formatted["before"].get(source) == before.files[source]
    }
    return _stored(trees, result, new)


def _adopt_line_ends(trees: Trees, sides: Sides) -> Sides:
    shared = [path for path in _shared(sides) if sides.ours[path].is_file]
    changed = [path for path in shared if sides.ours[path] != sides.base[path]]
    contents = _contents(trees, sides.ours, changed)
    crlf = {path: _has_crlf(contents[path]) if path in contents else False for path in shared}
    habit = _Habit(crlf, sum(crlf.values()) * 2 > len(crlf))
    if not habit:
        return sides
    return _restyled(trees, sides, habit, lambda _side, _path, content: _with_crlf(content))


def _adopt_format(trees: Trees, sides: Sides) -> Sides:
    if formatting.matter(trees, sides.base) == formatting.matter(trees, sides.ours):
        return sides
    settings = formatting.settings(trees, sides.ours)
    batches = {
        name: Batch(settings, _contents(trees, side, filter(formatting.is_formatted, side)))
        for name, side in (("base", sides.base), ("ours", sides.ours), ("theirs", sides.theirs))
    }
    formatted = formatting.formatted(batches, trees.repository.prefix)
    base, ours = batches["base"].files, batches["ours"].files
    known = {
        path: _follows(ours[path], formatted["ours"].get(path), base[path], formatted["base"][path])
        for path in _shared(sides)
        if path in ours and path in formatted["base"]
    }
    # A file that looks the same in both formats says nothing about what the user does.
    telling = [path for path in known if formatted["base"][path] != base[path]] or [*known]
    habit = _Habit(known, sum(known[path] for path in telling) * 2 > len(telling))
    if not habit:
        return sides
    return _restyled(
        trees, sides, habit, lambda side, path, content: formatted[side].get(path, content)
    )


def _follows(ours: bytes, ours_formatted: bytes | None, base: bytes, formatted: bytes) -> bool:
    """Return whether the user formatted a file, with or without editing it afterwards."""
    if base == formatted:
        return ours == ours_formatted
    return _missing(formatted, ours) < _missing(base, ours)


def _missing(text: bytes, other: bytes) -> int:
    return len({*text.splitlines()} - {*other.splitlines()})


def _restyled(
    trees: Trees, sides: Sides, habit: _Habit, style: Callable[[Side, str, bytes], bytes]
) -> Sides:
    """Return the sides with a style applied to the files of base and theirs that get it."""
    origins = {
        new: old
        for old, new in renames.found(
            trees.repository, trees.write(sides.base), trees.write(sides.theirs), ""
        ).items()
    }
    restyled: dict[Side, Entries] = {}
    named: list[tuple[Side, Entries]] = [("base", sides.base), ("theirs", sides.theirs)]
    for name, side in named:
        paths = [path for path in side if habit.has(origins.get(path, path))]
        contents = _contents(trees, side, paths)
        new = {path: style(name, path, content) for path, content in contents.items()}
        different = {path: content for path, content in new.items() if content != contents[path]}
        restyled[name] = _stored(trees, side, different)
    return replace(sides, base=restyled["base"], theirs=restyled["theirs"])


def _shared(sides: Sides) -> list[str]:
    return [path for path in sides.base if path in sides.ours and sides.base[path].is_file]


def _has_crlf(content: bytes) -> bool:
    """Return whether most lines of a text end as on Windows."""
    return b"\0" not in content and content.count(b"\r\n") * 2 > content.count(b"\n")


def _with_crlf(content: bytes) -> bytes:
    return content if b"\0" in content else re.sub(rb"(?<!\r)\n", rb"\r\n", content)


def _batch(trees: Trees, side: Entries, paths: Iterable[str]) -> Batch:
    return Batch(formatting.settings(trees, side), _contents(trees, side, paths))


def _contents(trees: Trees, side: Entries, paths: Iterable[str]) -> dict[str, bytes]:
    """Return the contents of those of *paths* that are ordinary files."""
    files = {path: side[path].oid for path in paths if side[path].is_file}
    contents = trees.contents(files.values())
    return {path: contents[oid] for path, oid in files.items()}


def _stored(trees: Trees, side: Entries, contents: Mapping[str, bytes]) -> Entries:
    oids = trees.store([*contents.values()])
    new = zip(contents, oids, strict=True)
    return side | {path: Entry(side[path].mode, oid) for path, oid in new}
