"""Git's trees and blobs, read and written many at a time."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from chatkit_scaffold.update.repository import Repository

# What a setting for the user's own work tree would do to a temporary one: refuse line ends,
# forget modes and links, leave out folders, ask a daemon, or write into the repository.
_ADDING = {
    "core.safecrlf": "false",
    "core.fileMode": "true",
    "core.symlinks": "true",
    "core.ignoreCase": "false",
    "core.sparseCheckout": "false",
    "core.fsmonitor": "false",
    "core.splitIndex": "false",
}


class Entry(NamedTuple):
    """What a tree has at a path.

    Attributes:
        mode: Such as `100644` for a file, `120000` for a link, `160000` for a submodule.
        oid: The id of the object.
    """

    mode: str
    oid: str

    @property
    def is_file(self) -> bool:
        """Whether it is an ordinary file."""
        return self.mode.startswith("100")


Entries = dict[str, Entry]
"""A tree without its folders, by path below the project's folder."""


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees of a project.

    Attributes:
        repository: Where their objects are.
    """

    repository: Repository

    def read(self, tree: str, prefix: str = "") -> Entries:
        """Return what a tree has below the folder *prefix*."""
        listing = self.repository.git("ls-tree", "-r", "-z", "--full-tree", _at(tree, prefix))
        return _entries((meta.split()[::2], path) for meta, path in _records(listing))

    def some(self, tree: str, paths: Sequence[str]) -> Entries:
        """Return those of the entries at *paths* that are files of a tree."""
        listing = self.repository.git("ls-tree", "-z", "--full-tree", tree, "--", *paths)
        found = _entries((meta.split()[::2], path) for meta, path in _records(listing))
        return {path: entry for path, entry in found.items() if entry.is_file}

    def write(self, entries: Mapping[str, Entry], prefix: str = "") -> str:
        """Return a tree that has *entries* below the folder *prefix*, and nothing else."""
        with TemporaryDirectory(prefix="chatkit-scaffold-") as folder:
            index = Path(folder) / "index"
            self._fill(index, entries, prefix)
            # A partial clone need not fetch what is only named.
            return self.repository.git("write-tree", "--missing-ok", index=index)

    def add(self, folder: Path, attributes: Mapping[str, Entry]) -> Entries:
        """Return the files of *folder* as git would add them at the place of the project.

        Nothing is left out, whatever the user ignores.

        Args:
            folder: A render.
            attributes: The files `.gitattributes` that apply there, by path below the
                repository's top.
        """
        prefix = self.repository.prefix
        with TemporaryDirectory(prefix="chatkit-scaffold-") as scratch:
            index = Path(scratch) / "index"
            top = folder
            if prefix:
                top = Path(scratch) / "files"
                shutil.copytree(folder, top / prefix, symlinks=True)
            if attributes:
                self._fill(index, attributes, "")
            run = self.repository.git
            everything = ("add", "--force", "--ignore-removal", "--", ".")
            run(*everything, index=index, work_tree=top, config=_ADDING)
            listing = run("ls-files", "--stage", "-z", index=index)
            found = _entries((meta.split()[:2], path) for meta, path in _records(listing))
            below = f"{prefix}/" if prefix else ""
            return {
                path.removeprefix(below): entry
                for path, entry in found.items()
                if path not in attributes or (top / path).is_file()
            }

    def commit(self, tree: str, parent: str | None = None) -> str:
        """Return a commit of *tree* that no branch has; the same one every time."""
        lines = [
            f"tree {tree}",
            *([f"parent {parent}"] if parent else []),
            "author chatkit-scaffold <chatkit-scaffold@localhost> 0 +0000",
            "committer chatkit-scaffold <chatkit-scaffold@localhost> 0 +0000",
            "",
            "A side of an update\n",
        ]
        # Unlike commit-tree, this needs no author and never signs.
        return self.repository.git(
            "hash-object", "-t", "commit", "-w", "--stdin", text="\n".join(lines)
        )

    def contents(self, objects: Iterable[str]) -> dict[str, bytes]:
        """Return the contents of blobs by object name; a name of nothing is left out."""
        names = list(dict.fromkeys(objects))
        if not names:
            return {}
        printed = self.repository.git("cat-file", "--batch", text="\n".join([*names, ""]))
        content, found, end = printed.encode("utf-8", "surrogateescape") + b"\n", {}, 0
        for name in names:
            start = content.index(b"\n", end) + 1
            header = content[end:start].split()
            if header[-1] == b"missing":
                end = start
                continue
            size = int(header[-1])
            found[name], end = content[start : start + size], start + size + 1
        return found

    def store(self, contents: Sequence[bytes]) -> list[str]:
        """Return the ids of new blobs."""
        if not contents:
            return []
        with TemporaryDirectory(prefix="chatkit-scaffold-") as folder:
            paths = [Path(folder) / str(number) for number in range(len(contents))]
            for path, content in zip(paths, contents, strict=True):
                path.write_bytes(content)
            names = "".join(f"{path}\n" for path in paths)
            run = self.repository.git
            return run("hash-object", "-w", "--no-filters", "--stdin-paths", text=names).split()

    def _fill(self, index: Path, entries: Mapping[str, Entry], prefix: str) -> None:
        below = f"{prefix}/" if prefix else ""
        lines = [f"{entry.mode} {entry.oid}\t{below}{path}\0" for path, entry in entries.items()]
        self.repository.git(
            "update-index", "-z", "--index-info", index=index, config=_ADDING, text="".join(lines)
        )


def _at(tree: str, prefix: str) -> str:
    return f"{tree}:{prefix}" if prefix else tree


def _records(listing: str) -> list[tuple[str, str]]:
    records = (record.partition("\t") for record in listing.split("\0") if record)
    return [(meta, path) for meta, _, path in records]


def _entries(records: Iterable[tuple[Sequence[str], str]]) -> Entries:
    return {path: Entry(*meta) for meta, path in records}
