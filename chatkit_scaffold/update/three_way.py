"""Runs git's own merges: of three trees, and of three texts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from chatkit_scaffold.update import renames
from chatkit_scaffold.update.conflicts import Labels
from chatkit_scaffold.update.outcome import Stage
from chatkit_scaffold.update.renames import Sides
from chatkit_scaffold.update.repository import Repository
from chatkit_scaffold.update.summary import Renames
from chatkit_scaffold.update.trees import Entries, Trees

# The user's settings may neither switch renames off nor move a file that only the user has.
_MERGING = {
    "merge.directoryRenames": "false",
    "merge.renames": "true",
    "merge.renameLimit": "7000",
    "diff.renames": "true",
}


@dataclass(frozen=True, slots=True)
class Raw:
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
    renames: Renames


def merge_trees(trees: Trees, sides: Sides, olds: dict[str, str], label: str) -> Raw:
    """Merge the sides as commits that no branch has.

    Args:
        trees: The project's trees.
        sides: What to merge.
        olds: New path to old path, of the files renamed before the merge.
        label: The name of the template's side.
    """
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
    return Raw(
        trees.read(tree, prefix),
        tuple(_stages(records, below)),
        labels,
        Renames(
            olds,
            renames.found(trees.repository, base, ours, below),
            renames.found(trees.repository, base, theirs, below),
        ),
    )


def _stages(records: Iterable[str], below: str) -> Iterable[Stage]:
    for meta, _, path in (record.partition("\t") for record in records if record):
        mode, blob, stage = meta.split()
        yield Stage(mode, blob, int(stage), path.removeprefix(below))


def merge_texts(
    repository: Repository, texts: Mapping[str, bytes], labels: Labels
) -> tuple[bytes, bool]:
    """Merge three versions of a file as git does in a merge of trees.

    Args:
        repository: The repository whose settings apply.
        texts: The versions `base`, `ours` and `theirs`.
        labels: The sides, whose commits go into the markers.

    Returns:
        The merge, and whether it has no conflict.
    """
    with TemporaryDirectory(prefix="chatkit-scaffold-") as folder:
        paths = [Path(folder) / name for name in ("ours", "base", "theirs")]
        for path in paths:
            path.write_bytes(texts[path.name])
        names = [
            part for name in (labels.ours, labels.base, labels.theirs) for part in ("-L", name)
        ]
        # The exit status is the number of conflicts, up to 127.
        repository.git("merge-file", *names, *map(str, paths), ok=tuple(range(128)))
        merged = paths[0].read_bytes()
        return merged, labels.ours.encode() not in merged
