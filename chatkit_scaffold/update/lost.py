"""Which files may name something that a merge lost, found without parsing them all."""

import re
from collections.abc import Iterator

from chatkit_scaffold.update.modules import State
from chatkit_scaffold.update.states import States

_WORD = re.compile(rb"\w+")

Words = tuple[bytes, ...]


def suspects(states: States) -> list[str]:
    """Return the Python files of the result that have to be looked at."""
    merged = states.merged
    paths = sorted(path for path in merged.paths if path.endswith(".py"))
    words = {path: set(_WORD.findall(merged.read(path))) for path in paths}
    lost = set(_lost(states, words))
    moved = {new for old, new in states.renames if old.rpartition("/")[0] != new.rpartition("/")[0]}
    return [
        path
        for path in paths
        if path in moved or any(words[path].issuperset(each) for each in lost)
    ]


def _lost(states: States, words: dict[str, set[bytes]]) -> Iterator[Words]:
    """Yield the words that a file must have to name a module, or a name in one, that is lost."""
    merged = states.merged
    for side in (states.ours, states.theirs):
        for module in side.modules:
            if module not in merged.modules:
                yield (_last(module),)
            elif not _same(module, side, merged) and _is_named(module, merged, words):
                yield from _lost_names(module, side, merged)


def _same(module: str, side: State, merged: State) -> bool:
    before, after = side.modules[module], merged.modules[module]
    if before is None or after is None:
        return before is after
    return side.read(before) == merged.read(after)


def _is_named(module: str, merged: State, words: dict[str, set[bytes]]) -> bool:
    """Return whether another file than its own names a module; few name that of a test."""
    own = merged.modules[module]
    return any(words[path].issuperset(_needed(module, merged)) for path in words if path != own)


def _lost_names(module: str, side: State, merged: State) -> Iterator[Words]:
    before, after = side.module(module), merged.module(module)
    if not before or not after or after.opaque:
        return
    needed = _needed(module, side)
    if before.opaque:
        yield needed
    for name in before.names.keys() - after.names.keys():
        yield (*needed, name.encode())


def _needed(module: str, state: State) -> Words:
    # A file can import from its own package without its name: `from . import name`.
    path = state.modules[module]
    is_package = path is None or path.endswith("/__init__.py")
    return () if is_package else (_last(module),)


def _last(module: str) -> bytes:
    return module.rpartition(".")[2].encode()
