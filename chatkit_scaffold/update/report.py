"""The outcome of an update: for a person, the most important last, and as JSON."""

import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chatkit_scaffold.text import escaped
from chatkit_scaffold.update.notes import notes_as_lines, section
from chatkit_scaffold.update.outcome import Files, Merged, Update, changed_answers

_MANY_CONFLICTS = 30


def as_dict(update: Update) -> dict[str, Any]:
    """Return all that happened as JSON's types."""
    merged = update.merged or Merged(tree="")
    return {
        "project": update.project,
        "status": update.status,
        "from": update.old,
        "to": update.new,
        "answers": {"before": dict(update.before), "after": dict(update.after)},
        "dry_run": update.dry_run,
        "branch": update.branch,
        "commit": update.commit,
        "way_back": update.way_back,
        "files": asdict(merged.files),
        "conflicts": [asdict(conflict) for conflict in merged.conflicts],
        "imports": list(merged.imports),
        "notices": list(merged.notices),
        "notes": [dict(note) for note in update.notes],
        "check": asdict(update.checked) if update.checked else None,
    }


def as_text(update: Update) -> str:
    """Return what a person needs to know, without a newline at the end."""
    merged = update.merged
    if merged is None:
        return f"Nothing to do: {escaped(update.project)} has version {update.new} already."
    lines = [
        *_head(update),
        *_files(merged.files),
        *notes_as_lines(update.notes, removed=_touched(merged)),
        *section("Adjusted references", merged.imports),
        *_check(update),
        *section("Please note", merged.notices, limit=None, prose=True),
        *section(
            "Conflicts",
            [conflict.as_text() for conflict in merged.conflicts],
            limit=_MANY_CONFLICTS,
        ),
        *_next(update, merged),
    ]
    return "\n".join(lines).rstrip()


def _head(update: Update) -> Iterator[str]:
    project = escaped(update.project)
    if update.old == update.new:
        verb = "Would change" if update.dry_run else "Changed"
        yield f"{verb} the answers of {project}, at version {update.new}."
    else:
        verb = "Would update" if update.dry_run else "Updated"
        yield f"{verb} {project} from {update.old} to {update.new}."
    yield ""
    yield from section("Changed answers", changed_answers(update.before, update.after), limit=None)


def _files(files: Files) -> Iterator[str]:
    """Yield the lists; their titles fit what happened and, in a dry run, what would happen."""
    for title, paths in (
        ("Your changes, kept", files.kept),
        ("New files", files.added),
        ("Updated files", files.updated),
        ("Removed files", files.removed),
        ("Renamed by you", _renamed(files, "you")),
        ("Renamed by the template", _renamed(files, "template")),
        ("Merged with your changes", files.merged),
        ("Still deleted, though the template changed them", files.deleted_kept),
    ):
        yield from section(f"{title} ({len(paths)})", paths)


def _renamed(files: Files, by: str) -> list[str]:
    return [f"{one.old} -> {one.new}" for one in files.renamed if one.by == by]


def _touched(merged: Merged) -> set[str]:
    """Return the paths that the project had and the template has no longer."""
    old = {one.old for one in merged.files.renamed}
    return {*merged.files.removed, *old, *(conflict.path for conflict in merged.conflicts)}


def _check(update: Update) -> Iterator[str]:
    if not (checked := update.checked):
        return
    results = [f"the project's tests: {checked.tests}"]
    if checked.protocol is not None:
        counts = [f"{count} {outcome}" for outcome, count in checked.protocol["counts"].items()]
        results.append(f"the protocol check: {', '.join(counts)}")
    if checked.problem:
        results.append(checked.problem)
    yield from section(f"The check {'passed' if checked.passed else 'failed'}", results)


def _next(update: Update, merged: Merged) -> Iterator[str]:
    branch, back = update.branch, update.way_back
    if update.dry_run:
        yield "Nothing was written. The update would be on this branch:"
        yield f"  {branch}"
        yield "To make it, run the command again without --dry-run."
        return
    if update.status == "check failed":
        yield "Your branch is as it was. To look at the update:"
        yield from _enter(update.project)
        yield f"  git switch {branch}"
        return
    yield f"The project is now on the branch {branch}."
    if merged.conflicts:
        yield "Resolve the conflicts, for example with git mergetool, then commit:"
        yield from _enter(update.project)
        yield "  git add --all . && git commit"
    else:
        yield "Try the update, then merge it:"
        yield from _enter(update.project)
        yield "  uv run pytest"
        yield f"  {back} && git merge {branch}"
    yield "Or go back to where you were:"
    yield f"  {back}"


def _enter(project: str) -> Iterator[str]:
    """Yield the command that leads to the project, unless the user is there."""
    with suppress(OSError):  # The working directory may be gone.
        if Path.cwd() == Path(project).resolve():
            return
    yield f"  cd {shlex.quote(project)}"
