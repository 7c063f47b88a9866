"""Merges a new render of the template into the user's project, as git objects."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from chatkit_scaffold.errors import ToolError
from chatkit_scaffold.update import conflicts, renames, summary
from chatkit_scaffold.update.conflicts import Labels
from chatkit_scaffold.update.outcome import Merged, Stage
from chatkit_scaffold.update.renames import Moves, Sides
from chatkit_scaffold.update.repository import Repository
from chatkit_scaffold.update.trees import Entries, Entry, Trees

ANSWERS = ".copier-answers.yml"

_OLDEST_GIT = (2, 38)

# The user's settings may neither switch renames off nor move a file that only the user has.
_MERGING = {
    "merge.directoryRenames": "false",
    "merge.renames": "true",
    "merge.renameLimit": "7000",
    "diff.renames": "true",
}


@dataclass(frozen=True, slots=True)
class _Raw:
    """The result of git's merge.

    Attributes:
        entries: Its files.
        stages: The unmerged entries.
        labels: The names of the sides.
        renames: What each side renamed.
    """

    entries: Entries
    stages: tuple[Stage, ...]
    labels: Labels
    renames: summary.Renames


def merge(
    repository: Repository, ours: str, base: Path, theirs: Path, *, moved: Moves, label: str
) -> Merged:
    """Merge what the template changed into the user's project.

    Args:
        repository: The user's; it gets new objects, and nothing else is changed.
        ours: The tree of the project's folder in HEAD.
        base: A folder with the render of the recorded version.
        theirs: A folder with the render of the new version.
        moved: The files that the template renamed or split between the versions.
        label: The name of the template's side in markers, such as `chatkit-scaffold 0.3.0`.

    Raises:
        ToolError: git is too old, or failed.
    """
    _require_version(repository)
    trees = Trees(repository)
    sides = _read_sides(trees, ours, base, theirs)
    sides, olds = renames.declared(sides, moved)
    raw = _merge_trees(trees, sides, olds, label)
    raw, deleted = _keep_deleted(raw, sides)
    result, stages, lines = _relabeled(trees, raw)
    files = summary.summarize(
        sides, result, raw.renames, deleted=deleted, conflicts=_in_conflict(raw)
    )
    return Merged(
        tree=trees.write(result),
        stages=stages,
        conflicts=tuple(conflicts.explained(stages, lines, files.renamed)),
        files=files,
    )


def _require_version(repository: Repository) -> None:
    printed = repository.git("--version")
    found = re.search(r"(\d+)\.(\d+)\S*", printed)
    if found and (int(found[1]), int(found[2])) < _OLDEST_GIT:
        raise ToolError(
            f"git {found[0]} is too old to merge an update, which takes git 2.38 or newer",
            hint="Install a newer git from https://git-scm.com and try again.",
        )


def _read_sides(trees: Trees, ours: str, base: Path, theirs: Path) -> Sides:
    project = trees.read(ours)
    attributes = _attributes(trees, project)
    sides = Sides(trees.add(base, attributes), project, trees.add(theirs, attributes))
    if ANSWERS in sides.base and ANSWERS in project:
        # It is the command's own file: what the project recorded always becomes the new record.
        sides.base[ANSWERS] = project[ANSWERS]
    return sides


def _attributes(trees: Trees, project: Entries) -> Entries:
    """Return the files `.gitattributes` that apply to the project, by path in the repository."""
    prefix = trees.repository.prefix
    below = f"{prefix}/" if prefix else ""
    own = {
        below + path: entry
        for path, entry in project.items()
        if PurePosixPath(path).name == ".gitattributes" and entry.is_file
    }
    folders = PurePosixPath(prefix).parents if prefix else ()
    above = [str(folder / ".gitattributes") for folder in folders]
    return own | (trees.some("HEAD", above) if above else {})


def _merge_trees(trees: Trees, sides: Sides, olds: dict[str, str], label: str) -> _Raw:
    run, prefix = trees.repository.git, trees.repository.prefix
    base, ours, theirs = (
        trees.write(side, prefix) for side in (sides.base, sides.ours, sides.theirs)
    )
    start = trees.commit(base)
    labels = Labels(start, trees.commit(ours, start), trees.commit(theirs, start), label)
    tree, *records = run(
        *("merge-tree", "--write-tree", "-z", "--no-messages", labels.ours, labels.theirs),
        config=_MERGING,
        ok=(0, 1),
    ).split("\0")
    below = f"{prefix}/" if prefix else ""
    return _Raw(
        trees.read(tree, prefix),
        tuple(_stages(records, below)),
        labels,
        summary.Renames(
            olds,
            renames.found(trees.repository, base, ours, below),
            renames.found(trees.repository, base, theirs, below),
        ),
    )


def _stages(records: Iterable[str], below: str) -> Iterable[Stage]:
    for meta, _, path in (record.partition("\t") for record in records if record):
        mode, blob, stage = meta.split()
        yield Stage(mode, blob, int(stage), path.removeprefix(below))


def _keep_deleted(raw: _Raw, sides: Sides) -> tuple[_Raw, set[str]]:
    """Leave out what the user deleted.

    Returns:
        The merge without these files, and their paths, which are the template's.
    """
    paths = {
        path
        for path, present in conflicts.by_path(raw.stages).items()
        if present.keys() == {1, 3} and raw.labels.original(path) not in sides.ours
    }
    entries = {path: entry for path, entry in raw.entries.items() if path not in paths}
    stages = tuple(stage for stage in raw.stages if stage.path not in paths)
    deleted = {raw.labels.original(path) for path in paths}
    return replace(raw, entries=entries, stages=stages), deleted


def _relabeled(trees: Trees, raw: _Raw) -> tuple[Entries, tuple[Stage, ...], dict[str, list[int]]]:
    """Replace the ids that git shows in markers and in file names.

    Returns:
        The files, the unmerged entries, and the lines of the conflicts by path.
    """
    rename = raw.labels.in_path
    result = {rename(path): entry for path, entry in raw.entries.items()}
    stages = tuple(replace(stage, path=rename(stage.path)) for stage in raw.stages)
    marked = sorted({stage.path for stage in stages} & result.keys())
    contents = trees.contents(result[path].oid for path in marked if result[path].is_file)
    changed, lines = {}, {}
    for path in marked:
        if result[path].is_file:
            content, starts = raw.labels.in_content(contents[result[path].oid])
            if starts:
                changed[path], lines[path] = content, starts
    for path, oid in zip(changed, trees.store([*changed.values()]), strict=True):
        result[path] = Entry(result[path].mode, oid)
    return result, stages, lines


def _in_conflict(raw: _Raw) -> set[str]:
    named = {stage.path for stage in raw.stages}
    rename = raw.labels
    return (
        named | {rename.in_path(path) for path in named} | {rename.original(path) for path in named}
    )
