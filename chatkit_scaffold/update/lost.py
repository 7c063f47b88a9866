"""Which files may name something that a merge lost, found without parsing them all."""

import re
from collections.abc import Iterator

from chatkit_scaffold.update.modules import State
from chatkit_scaffold.update.sides import Sides

_WORD = re.compile(rb"\w+")


def suspects(sides: Sides) -> list[str]:
    """Return the Python files of the result that have to be looked at."""
    lost = set(_lost(sides))
    moved = {new for old, new in sides.renames if old.rpartition("/")[0] != new.rpartition("/")[0]}
    return [
        path
        for path in sorted(sides.merged.paths)
        if path.endswith(".py") and (path in moved or _names_any(sides.merged.read(path), lost))
    ]


def _names_any(content: bytes, lost: set[tuple[bytes, ...]]) -> bool:
    if not lost:
        return False
    words = set(_WORD.findall(content))
    return any(words.issuperset(each) for each in lost)


def _lost(sides: Sides) -> Iterator[tuple[bytes, ...]]:
    """Yield the words that a file must have to name a module, or a name in one, that is lost."""
    for side in (sides.ours, sides.theirs):
        for module, path in side.modules.items():
            if module not in sides.merged.modules:
                yield (_last(module),)
            elif path and not _same(module, side, sides.merged):
                yield from _lost_names(module, side, sides.merged)


def _same(module: str, side: State, merged: State) -> bool:
    before, after = side.modules[module], merged.modules[module]
    return bool(before and after) and side.read(before or "") == merged.read(after or "")


def _lost_names(module: str, side: State, merged: State) -> Iterator[tuple[bytes, ...]]:
    before, after = side.module(module), merged.module(module)
    if not before or not after or after.opaque:
        return
    # A file can import from a package without its name: `from . import name`.
    is_package = (side.modules[module] or "").endswith("/__init__.py")
    needed = () if is_package else (_last(module),)
    if before.opaque:
        yield needed
    for name in before.names.keys() - after.names.keys():
        yield (*needed, name.encode())


def _last(module: str) -> bytes:
    return module.rpartition(".")[2].encode()
