"""What a project is, what its user changed, and whether an update is available."""

import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chatkit_scaffold.console import spinner
from chatkit_scaffold.generator.history import open_history, order
from chatkit_scaffold.generator.record import read_record
from chatkit_scaffold.generator.releases import between, composed, for_answers
from chatkit_scaffold.text import escaped
from chatkit_scaffold.update.answers import renamed
from chatkit_scaffold.update.changes import Changes, find_changes
from chatkit_scaffold.update.notes import notes_as_lines, section
from chatkit_scaffold.update.project import find_project
from chatkit_scaffold.update.renders import render_base


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a project.

    Attributes:
        project: Its folder.
        version: The version of the template that it has.
        newest: The newest version that this command has.
        update_available: Whether that is newer.
        answers: The recorded answers.
        changes: What differs from a render of its version.
        notes: For each release in between, what concerns this project.
        removed: The files that these releases removed and the project still has.
    """

    project: str
    version: str
    newest: str
    update_available: bool
    answers: Mapping[str, Any]
    changes: Changes
    notes: tuple[Mapping[str, Any], ...]
    removed: frozenset[str]

    def exit_status(self) -> int:
        """Return 1 if an update is available, else 0."""
        return int(self.update_available)


def status(dest: str | None, root: Path) -> Status:
    """Return the state of the project in *dest*, committed or not, in git or not.

    Args:
        dest: The project's folder; None for the one around the working directory.
        root: The folder of our template, see `builtin_root`.

    Raises:
        ScaffoldError: There is no project, or this command cannot render its version.
    """
    project = find_project(dest)
    with open_history(root) as history, spinner("Comparing the project with its template"):
        recorded = read_record(project)
        version = history.resolve(recorded.version)
        releases = between(history.releases, version, history.newest)
        answers = renamed(recorded.answers, composed(releases))
        notes = tuple(for_answers(release, answers) for release in releases)
        base = render_base(history, version, recorded.answers, project)
        return Status(
            project=str(project),
            version=version,
            newest=history.newest,
            update_available=order(history.newest) > order(version),
            answers=recorded.answers,
            changes=find_changes(base, project),
            notes=notes,
            removed=frozenset(
                path
                for note in notes
                for path in note["removed"]["files"]
                if (project / path).is_file()
            ),
        )


def as_dict(found: Status) -> dict[str, Any]:
    """Return the state as JSON's types."""
    return {
        "project": found.project,
        "version": found.version,
        "newest": found.newest,
        "update_available": found.update_available,
        "answers": dict(found.answers),
        "changes": asdict(found.changes),
        "notes": [dict(note) for note in found.notes],
    }


def as_text(found: Status) -> str:
    """Return the state for a person, the most important last, without a newline at the end."""
    changes = found.changes
    renames = [f"{one.old} -> {one.new}" for one in changes.renamed]
    answers = [f"{key}: {value}" for key, value in found.answers.items()]
    lines = [
        f"{escaped(found.project)} has version {found.version} of the template.",
        "",
        *section("Answers", answers, limit=None),
        *_changed("changed", changes.modified),
        *_changed("added", changes.added),
        *_changed("deleted", changes.deleted),
        *_changed("renamed", renames),
        *notes_as_lines(found.notes, removed=found.removed),
        *_verdict(found),
    ]
    return "\n".join(lines)


def _changed(verb: str, paths: list[str] | tuple[str, ...]) -> Iterator[str]:
    yield from section(f"You {verb} ({len(paths)})", paths)


def _argument(project: str) -> str:
    """Return DEST as `update` needs it here, with a space; nothing inside the project."""
    with suppress(OSError):  # The working directory may be gone.
        if Path.cwd().is_relative_to(project):
            return ""
    return f"{shlex.quote(project)} "


def _verdict(found: Status) -> Iterator[str]:
    if found.update_available:
        yield f"An update to version {found.newest} is available. To preview it:"
        yield f"  chatkit-scaffold update {_argument(found.project)}--dry-run"
    else:
        yield "No update is available."
