"""The outcome of an update: for a person, the most important last, and as JSON."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from chatkit_scaffold.text import escaped
from chatkit_scaffold.update.notes import notes_as_lines, section
from chatkit_scaffold.update.outcome import Files, Merged, Update

_MANY_CONFLICTS = 30
_BY = {"you": "you", "template": "the template"}


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
        *_files(merged.files, dry_run=update.dry_run),
        *notes_as_lines(update.notes, removed=_touched(merged)),
        *section("Would adjust" if update.dry_run else "Adjusted", merged.imports),
        *_check(update),
        *section("Please note", merged.notices, limit=None, prose=True),
        *section(
            "Would conflict" if update.dry_run else "Conflicts",
            [conflict.as_text() for conflict in merged.conflicts],
            limit=_MANY_CONFLICTS,
        ),
        *_next(update, merged),
    ]
    return "\n".join(lines).rstrip()


def _head(update: Update) -> Iterator[str]:
    verb = "Would update" if update.dry_run else "Updated"
    project = escaped(update.project)
    if update.old == update.new:
        yield f"{verb} the choices of {project}, at version {update.new}."
    else:
        yield f"{verb} {project} from {update.old} to {update.new}."
    yield ""
    yield from section(
        "New answers",
        [
            f"{key}: {update.before.get(key, 'not asked')} -> {update.after.get(key, 'not asked')}"
            for key in {**update.before, **update.after}
            if update.before.get(key) != update.after.get(key)
        ],
        limit=None,
    )


def _files(files: Files, *, dry_run: bool) -> Iterator[str]:
    renamed = [f"{one.old} -> {one.new} (by {_BY[one.by]})" for one in files.renamed]
    for title, paths in (
        ("yours, kept", files.kept),
        ("new", files.added),
        ("updated", files.updated),
        ("removed", files.removed),
        ("renamed", renamed),
        ("merged with your changes", files.merged),
        ("changed by the template, kept deleted as you did", files.deleted_kept),
    ):
        words = f"Would be {title}" if dry_run else title.capitalize()
        yield from section(f"{words} ({len(paths)})", paths)


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
        yield f"Nothing was written; the update would be on the branch {branch}."
    elif update.status == "check failed":
        yield "Your branch is as it was. To look at the update:"
        yield f"  git switch {branch}"
    elif merged.conflicts:
        yield f"You are on the branch {branch}."
        yield "Resolve the conflicts, perhaps with git mergetool, then:"
        yield "  git add --all . && git commit"
        yield "Or go back to where you were:"
        yield f"  {back}"
    else:
        yield f"You are on the branch {branch}. Try it, then merge it:"
        yield "  uv run pytest"
        yield f"  {back} && git merge {branch}"
        yield "Or go back to where you were:"
        yield f"  {back}"
