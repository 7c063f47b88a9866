"""The conflicts of a merge: what git leaves behind, in words and labels for people."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chatkit_scaffold.update.outcome import Conflict, Rename, Stage

OURS, THEIRS = 2, 3
"""The stages of the two sides; 1 is the base's."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What git calls the sides in markers and file names, and what people should read.

    Attributes:
        base: The commit of the base.
        ours: The commit of the user's side.
        theirs: The commit of the template's side.
        version: The name of the new version, such as `chatkit-scaffold 0.3.0`.
    """

    base: str
    ours: str
    theirs: str
    version: str

    def in_path(self, path: str) -> str:
        """Return the name of a file for which there was no room, such as `tools~yours`."""
        version = self.version.replace(" ", "-").replace("/", "_")
        return path.replace(f"~{self.ours}", "~yours").replace(f"~{self.theirs}", f"~{version}")

    def original(self, path: str) -> str:
        """Return the path that such a file had on its side."""
        return re.sub(f"~(?:{self.ours}|{self.theirs})(?:_[0-9]+)?$", "", path)

    def in_content(self, content: bytes) -> tuple[bytes, list[int]]:
        """Replace the ids in a file's markers.

        Returns:
            The file, and the number of each line at which a conflict begins, from 1.
        """
        # git abbreviates the base's id only, and may append the path of the file on that side.
        marker = re.compile(
            rb"^(?P<sign>([<|>])\2*) (?P<id>[0-9a-f]{4,64})(?P<path>:[^\n]*)?(?P<end>\r?)$",
            re.MULTILINE,
        )
        starts = []

        def relabeled(found: re.Match[bytes]) -> bytes:
            label = self._label(found["sign"][:1], found["id"].decode())
            if label is None:
                return found[0]
            if found["sign"].startswith(b"<"):
                starts.append(content.count(b"\n", 0, found.start()) + 1)
            path = found["path"] or b""
            return b"%b %b%b%b" % (found["sign"], label.encode(), path, found["end"])

        return marker.sub(relabeled, content), starts

    def _label(self, sign: bytes, commit: str) -> str | None:
        if sign == b"<" and commit == self.ours:
            return "yours"
        if sign == b">" and commit == self.theirs:
            return self.version
        return "base" if sign == b"|" and self.base.startswith(commit) else None


def by_path(stages: tuple[Stage, ...]) -> dict[str, dict[int, Stage]]:
    """Return the unmerged entries by path and stage."""
    paths: dict[str, dict[int, Stage]] = {}
    for stage in stages:
        paths.setdefault(stage.path, {})[stage.stage] = stage
    return paths


def explained(
    stages: tuple[Stage, ...], lines: Mapping[str, list[int]], renames: tuple[Rename, ...]
) -> Iterator[Conflict]:
    """Yield every place that the user has to decide about, sorted.

    Args:
        stages: The unmerged entries.
        lines: By path, the line of each conflict in it.
        renames: What each side renamed.
    """
    for path, present in sorted(by_path(stages).items()):
        if present.keys() == {1}:  # Both renamed it: reported where it is now.
            continue
        starts = lines.get(path, [])
        reason = _about_lines(present)
        yield from (Conflict(path, line, reason) for line in starts)
        if not starts or not present.keys() >= {OURS, THEIRS}:
            yield Conflict(path, None, _about_file(path, present, renames))


def _about_lines(present: Mapping[int, Stage]) -> str:
    return (
        "both added this file" if present.keys() == {OURS, THEIRS} else "both changed these lines"
    )


def _about_file(path: str, present: Mapping[int, Stage], renames: tuple[Rename, ...]) -> str:
    kinds = {stage.mode[:2] for stage in present.values()}
    mine = {rename.new: rename.old for rename in renames if rename.by == "you"}
    match sorted(present):
        case [1, 2]:
            did = f"renamed from {mine[path]}" if path in mine else "changed"
            return f"the template deleted this file, which you {did}"
        case [2, 3]:
            return "both added this file"
        case [1, 2, 3] if len(kinds) == 1:
            return "both changed this file, which cannot be merged by lines"
    if old := _source(path, renames):
        names = {rename.by: rename.new for rename in renames if rename.old == old}
        if len(names) > 1:
            return (
                f"both renamed {old} differently: you to {names['you']}, "
                f"the template to {names['template']}"
            )
    return "one side has a file here, the other a folder or a link"


def _source(path: str, renames: tuple[Rename, ...]) -> str | None:
    return next((rename.old for rename in renames if rename.new == path), None)
