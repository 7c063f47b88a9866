"""Merges a new render of the template into the user's project, as git objects."""

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

from chatkit_scaffold.errors import ToolError
from chatkit_scaffold.update import conflicts, renames, requirements, style, summary
from chatkit_scaffold.update.outcome import Merged, Stage
from chatkit_scaffold.update.renames import Moves, Sides
from chatkit_scaffold.update.repository import Repository
from chatkit_scaffold.update.three_way import Raw, merge_texts, merge_trees
from chatkit_scaffold.update.trees import Entries, Entry, Trees

ANSWERS = ".copier-answers.yml"

_PYPROJECT = "pyproject.toml"

_OLDEST_GIT = (2, 38)


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
    sides = style.adopt(trees, sides)
    raw = merge_trees(trees, sides, olds, label)
    raw, deleted = _keep_deleted(raw, sides)
    raw = _merge_requirements(trees, raw, sides)
    result, stages, lines = _relabeled(trees, raw)
    undecided = {stage.path for stage in stages}
    undecided |= {raw.labels.original(stage.path) for stage in raw.stages}
    files = summary.summarize(sides, result, raw.renames, deleted=deleted, conflicts=undecided)
    before = {new: old for old, new in raw.renames.theirs.items() if old in sides.ours}
    sources = {path: before.get(path, path) for path in files.merged}
    return Merged(
        tree=trees.write(style.keep_format(trees, sides.ours, result, sources)),
        stages=stages,
        conflicts=tuple(conflicts.explained(stages, lines, files.renamed)),
        files=files,
    )


def _require_version(repository: Repository) -> None:
    printed = repository.git("--version")
    found = re.search(r"(\d+)\.(\d+)\S*", printed)
    if found and (int(found[1]), int(found[2])) < _OLDEST_GIT:
        raise ToolError(
            f"git {found[0]} is too old to merge an update, which needs git 2.38 or newer",
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


def _keep_deleted(raw: Raw, sides: Sides) -> tuple[Raw, set[str]]:
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


def _merge_requirements(trees: Trees, raw: Raw, sides: Sides) -> Raw:
    """Merge lists of requirements by name where git cannot, or accepts two additions of one."""
    result = raw.entries.get(_PYPROJECT)
    entries = [side.get(_PYPROJECT) for side in (sides.base, sides.ours, sides.theirs)]
    versions = [entry for entry in entries if entry and entry != result]
    if result is None or len(versions) < len(entries):  # Only one side changed it.
        return raw
    contents = trees.contents(entry.oid for entry in (result, *versions))
    texts = {oid: content.decode("utf-8", "surrogateescape") for oid, content in contents.items()}
    others = tuple(stage for stage in raw.stages if stage.path != _PYPROJECT)
    if raw.stages == others and not requirements.names_twice(texts[result.oid]):
        return raw
    aligned = requirements.aligned(*(texts[entry.oid] for entry in versions))
    if aligned is None:
        return raw
    contents = {name: text.encode("utf-8", "surrogateescape") for name, text in aligned.items()}
    merged, clean = merge_texts(trees.repository, contents, raw.labels)
    (oid,) = trees.store([merged])
    if not clean:
        others += tuple(
            Stage(*entry, stage, _PYPROJECT) for stage, entry in enumerate(versions, start=1)
        )
    return replace(raw, entries=raw.entries | {_PYPROJECT: Entry(result.mode, oid)}, stages=others)


def _relabeled(trees: Trees, raw: Raw) -> tuple[Entries, tuple[Stage, ...], dict[str, list[int]]]:
    """Replace the ids that git shows in markers and in file names.

    Returns:
        The files, the unmerged entries, and the lines of the conflicts by path.
    """

    def rename(path: str) -> str:
        name = raw.labels.in_path(path)
        while name != path and name in raw.entries:  # The user may have such a file, too.
            name += "~"
        return name

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
