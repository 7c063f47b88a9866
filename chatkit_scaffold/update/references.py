"""Imports after a merge: what moved is followed, and what is gone becomes a conflict."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

from chatkit_scaffold.update.markers import Marked, mark
from chatkit_scaffold.update.outcome import Conflict, Merged, Stage
from chatkit_scaffold.update.repair import Remark, Repair, repaired
from chatkit_scaffold.update.repository import Repository
from chatkit_scaffold.update.sorting import sorted_imports
from chatkit_scaffold.update.source import parse
from chatkit_scaffold.update.statements import Change
from chatkit_scaffold.update.states import States, state_in, state_of
from chatkit_scaffold.update.trees import Entries, Trees


def fix_references(
    repository: Repository,
    ours: str,
    merged: Merged,
    *,
    base: Path,
    theirs: Path,
    moved: Mapping[str, str | Sequence[str]],
    migrations: Mapping[str, str],
    label: str,
) -> Merged:
    """Make the project's own imports work again that worked before the merge.

    An import follows a module or a name whose new place is certain. Any other is marked as a
    conflict. Imports that did not work before stay as they are.

    Args:
        repository: The user's repository.
        ours: The tree of the project's folder in HEAD.
        merged: The merge.
        base: The render of the recorded version.
        theirs: The render of the new version.
        moved: The files that the release renames: old path to new path, or to several of which
            the first has most of the file.
        migrations: Old revision ids of migrations to new ones.
        label: What the markers call the new version.
    """
    trees = Trees(repository)
    mine, result = trees.read(ours), trees.read(merged.tree)
    scripts = {
        entry.oid
        for path, entry in [*mine.items(), *result.items()]
        if path.endswith(".py") and entry.is_file
    }
    contents = trees.contents(scripts)
    states = States(
        state_in(base),
        state_of(trees, mine, contents),
        state_in(theirs),
        state_of(trees, result, contents),
        _renames(merged, moved),
        label,
    )
    unmerged = {stage.path for stage in merged.stages}
    in_order = partial(sorted_imports, trees, result, states.modules())
    repair = repaired(states, migrations, unmerged, in_order)
    return _written(trees, merged, result, repair)


def _renames(
    merged: Merged, moved: Mapping[str, str | Sequence[str]]
) -> tuple[tuple[str, str], ...]:
    """Return old and new path of each file that went elsewhere."""
    declared = {old: new if isinstance(new, str) else new[0] for old, new in moved.items()}
    found = [(rename.old, rename.new) for rename in merged.files.renamed]
    return tuple(dict.fromkeys([*declared.items(), *found]))


def _written(trees: Trees, merged: Merged, result: Entries, repair: Repair) -> Merged:
    """Store what the repair changes, and add it to the merge."""
    marked = {path: made for path in repair.places if (made := _marked(repair, path))}
    notices = (*merged.notices, *(_notice(remark, marked) for remark in repair.remarks))
    final = repair.contents | {path: made.content for path, made in marked.items()}
    if not final:
        return replace(merged, notices=notices)
    blobs = zip(final, trees.store([*final.values()]), strict=True)
    changed = {path: result[path]._replace(oid=oid) for path, oid in blobs}
    stages = (_stages(trees, repair, result, path, made) for path, made in marked.items())
    return replace(
        merged,
        tree=trees.write(result | changed),
        stages=(*merged.stages, *chain.from_iterable(stages)),
        conflicts=tuple(sorted([*merged.conflicts, *_conflicts(marked)], key=_place)),
        imports=(*merged.imports, *_listed(repair, marked)),
        notices=notices,
    )


def _marked(repair: Repair, path: str) -> Marked | None:
    source = parse(repair.content(path))
    places = repair.places[path]
    return mark(source, places, repair.states.label) if source and places else None


def _conflicts(marked: Mapping[str, Marked]) -> Iterator[Conflict]:
    for path, made in marked.items():
        yield from (Conflict(path, line, reason) for line, reason in made.reasons)


def _place(conflict: Conflict) -> tuple[str, int]:
    return conflict.path, conflict.line or 0


def _stages(
    trees: Trees, repair: Repair, result: Entries, path: str, made: Marked
) -> Iterator[Stage]:
    """Yield the unmerged entries of a file.

    There is no common base: with the user's version as base, a merge tool would take the
    suggestion, which lacks an import, without asking.
    """
    blobs = trees.store([repair.content(path), made.suggestion])
    for number, blob in zip((2, 3), blobs, strict=True):
        yield Stage(result[path].mode, blob, number, path)


def _notice(remark: Remark, marked: Mapping[str, Marked]) -> str:
    if not remark.path:
        return remark.text
    return f"{remark.path}:{_final(remark.path, remark.line, marked)} {remark.text}"


def _listed(repair: Repair, marked: Mapping[str, Marked]) -> Iterator[str]:
    """Yield what was followed, with the lines that the files have now."""
    for path, changes in sorted(repair.changes.items()):
        for change in changes:
            line = _final(path, _sorted_line(repair.content(path), change), marked)
            yield f"{path}:{line}: {change.old} -> {change.new}"


def _sorted_line(content: bytes, change: Change) -> int:
    """Return the line of a change, which may not be where it was before the imports' sorting."""
    word = change.new.rpartition(".")[2].encode()
    lines = [number for number, line in enumerate(content.splitlines(), 1) if word in line]
    return min(lines, key=lambda line: abs(line - change.line), default=change.line)


def _final(path: str, line: int, marked: Mapping[str, Marked]) -> int:
    return marked[path].line(line) if path in marked else line
