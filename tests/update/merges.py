"""Small projects with an update merged into them, written by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from chatkit_scaffold.update.outcome import Files, Merged, Rename, Stage
from chatkit_scaffold.update.references import fix_references
from chatkit_scaffold.update.repository import Repository
from chatkit_scaffold.update.trees import Entry, Trees
from tests.command import git

Contents = Mapping[str, str | bytes]

NOTHING: Contents = MappingProxyType({})
NO_RENAMES: Mapping[str, str] = MappingProxyType({})
LABEL = "chatkit-scaffold 0.3.0"


@dataclass(frozen=True)
class Fixed:
    """A merge whose references were fixed.

    Attributes:
        repository: Where it is.
        merged: The outcome.
    """

    repository: Repository
    merged: Merged

    def read(self, path: str) -> bytes:
        """Return a file of the result."""
        trees = Trees(self.repository)
        oid = trees.read(self.merged.tree)[path].oid
        return trees.contents([oid])[oid]

    def stage(self, path: str, number: int) -> str:
        """Return an unmerged entry of a file."""
        found = {(each.path, each.stage): each.blob for each in self.merged.stages}
        oid = found[path, number]
        return Trees(self.repository).contents([oid])[oid].decode()

    @property
    def unchanged(self) -> bool:
        """Whether there was nothing to do and nothing to say."""
        merged = self.merged
        return not (merged.imports or merged.conflicts or merged.notices or merged.stages)


def fixed(
    tmp_path: Path,
    *,
    ours: Contents,
    merged: Contents,
    base: Contents = NOTHING,
    theirs: Contents = NOTHING,
    renamed: Mapping[str, str] = NO_RENAMES,
    unmerged: Sequence[str] = (),
    **given: Any,
) -> Fixed:
    """Fix the references of a merge.

    Args:
        tmp_path: An empty folder, or a new one.
        ours: The user's files.
        merged: Those of the merge.
        base: Those of the recorded version's render.
        theirs: Those of the new version's render.
        renamed: Files that the template renamed, and git found.
        unmerged: Files with conflicts of the merge itself.
        given: What else `fix_references` takes.
    """
    tmp_path.mkdir(exist_ok=True)
    git(tmp_path, "init", "--quiet", "project")
    repository = Repository(tmp_path / "project", "")
    for name, files in (("base", base), ("theirs", theirs)):
        write(tmp_path / name, files)
    renames = tuple(Rename(old, new, "template") for old, new in renamed.items())
    stages = tuple(Stage("100644", "0" * 40, 2, path) for path in unmerged)
    result = fix_references(
        repository,
        tree_of(repository, ours),
        Merged(tree_of(repository, merged), stages, files=Files(renamed=renames)),
        base=tmp_path / "base",
        theirs=tmp_path / "theirs",
        **{"moved": {}, "migrations": {}, "label": LABEL} | given,
    )
    return Fixed(repository, result)


def tree_of(repository: Repository, files: Contents) -> str:
    """Return a tree with these files."""
    trees = Trees(repository)
    blobs = trees.store([_bytes(content) for content in files.values()])
    return trees.write({path: Entry("100644", oid) for path, oid in zip(files, blobs, strict=True)})


def write(folder: Path, files: Contents) -> None:
    """Write files below a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_bytes(content))


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
