"""Merges three sets of files in a real repository."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chatkit_scaffold.update.merge import merge
from chatkit_scaffold.update.outcome import Merged
from chatkit_scaffold.update.renames import Moves
from chatkit_scaffold.update.repository import Repository
from chatkit_scaffold.update.trees import Trees
from tests.command import git

LABEL = "chatkit-scaffold 0.3.0"

Content = str | bytes | Path
"""What a file has; a path is where a link leads."""


@dataclass(frozen=True, slots=True)
class Result:
    """A merge, and its files.

    Attributes:
        merged: What `merge` returned.
        files: The content of each file by path, as in the result's tree.
        modes: The mode of each.
    """

    merged: Merged
    files: dict[str, str]
    modes: dict[str, str]

    @property
    def conflicts(self) -> list[str]:
        """The conflicts as the command shows them."""
        return [conflict.as_text() for conflict in self.merged.conflicts]

    def lists(self) -> dict[str, list[str]]:
        """Return the lists of files that are not empty."""
        names = ("added", "updated", "merged", "kept", "removed", "deleted_kept")
        files = self.merged.files
        return {name: [*found] for name in names if (found := getattr(files, name))}

    def renamed(self) -> list[tuple[str, str, str]]:
        """Return old path, new path and who renamed it."""
        return [(rename.old, rename.new, rename.by) for rename in self.merged.files.renamed]


def write_files(folder: Path, files: Mapping[str, Content]) -> Path:
    """Create *files* below a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            path.symlink_to(content)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def make_repository(
    root: Path,
    files: Mapping[str, Content],
    *,
    prefix: str = "",
    config: Mapping[str, str] | None = None,
    options: tuple[str, ...] = (),
) -> Repository:
    """Commit *files* as the project in the folder *prefix* of a new repository."""
    write_files(root / prefix, files)
    git(root, "init", "--quiet", "--initial-branch=main", *options)
    # As they are, whatever the settings of the machine say about line ends.
    git(root, "-c", "core.autocrlf=false", "add", "--all", "--force")
    git(root, "commit", "--quiet", "--message=ours")
    for key, value in (config or {}).items():
        git(root, "config", key, value)
    return Repository(root, prefix)


def merge_in(
    repository: Repository, base: Path, theirs: Path, moved: Moves | None = None
) -> Result:
    """Merge two renders into the project as committed in *repository*."""
    prefix = f":{repository.prefix}" if repository.prefix else "^{tree}"
    ours = repository.git("rev-parse", f"HEAD{prefix}")
    merged = merge(repository, ours, base, theirs, moved=moved or {}, label=LABEL)
    trees = Trees(repository)
    entries = trees.read(merged.tree)
    contents = trees.contents(entry.oid for entry in entries.values())
    return Result(
        merged,
        {
            path: contents[entry.oid].decode("utf-8", "surrogateescape")
            for path, entry in entries.items()
            if entry.oid in contents and entry.mode != "160000"
        },
        {path: entry.mode for path, entry in entries.items()},
    )


def merge_files(
    folder: Path,
    base: Mapping[str, Content],
    ours: Mapping[str, Content],
    theirs: Mapping[str, Content],
    *,
    moved: Moves | None = None,
    prefix: str = "",
    config: Mapping[str, str] | None = None,
    options: tuple[str, ...] = (),
) -> Result:
    """Merge three sets of files in a new repository in *folder*."""
    repository = make_repository(
        folder / "ours", ours, prefix=prefix, config=config, options=options
    )
    return merge_in(
        repository,
        write_files(folder / "base", base),
        write_files(folder / "theirs", theirs),
        moved,
    )
