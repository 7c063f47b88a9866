"""All releases of the template, and what happened between two of them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

from chatkit_scaffold.errors import TemplateError
from chatkit_scaffold.generator.questions import read_questions
from chatkit_scaffold.generator.release import Mappings, Note, Release
from chatkit_scaffold.generator.release_file import read_release

__all__ = ["Mappings", "Release", "between", "composed", "for_answers", "read_releases"]

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(-.+)?")


def read_releases(root: Path) -> tuple[Release, ...]:
    """Return the releases of the template in *root*, oldest first.

    Raises:
        TemplateError: One is not valid, or is about a question or choice that never existed.
    """
    paths = sorted((root / "releases").glob("*.yml"), key=lambda path: _parts(path.stem))
    found = [read_release(path) for path in paths]
    for release in found[:-1]:
        if release.commit is None:
            raise TemplateError(
                f"releases/{release.version}.yml: commit is missing, and newer releases exist",
                hint="Only the newest release can be in preparation.",
            )
    releases = tuple(
        replace(release, since=composed(found[number:]))
        for number, release in enumerate(found, start=1)
    )
    _refuse_unknown(releases, _known_choices(root, releases))
    return releases


def between(releases: Iterable[Release], old: str, new: str) -> tuple[Release, ...]:
    """Return what an update from *old* to *new* brings: the releases after one, up to the other.

    A version between two releases, such as `0.2.0-3-gabc1234`, has only a part of the next one:
    that one is included on either end.
    """
    if old == new:
        return ()
    (*first, _), (*last, commits) = _parts(old), _parts(new)
    later = [release for release in releases if list(_parts(release.version)[:3]) > first]
    included = [release for release in later if list(_parts(release.version)[:3]) <= last]
    if commits and last >= first:
        included += later[len(included) :][:1]
    return tuple(included)


def composed(releases: Iterable[Release]) -> Mappings:
    """Return what the releases, oldest first, renamed together."""
    return reduce(_compose, (release.mappings for release in releases), Mappings())


def for_answers(release: Release, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a release brings to a project with these answers, as JSON's types."""

    def concerns(note: Note) -> bool:
        wanted = _current(note.answers, release.since).items()
        return all(answers.get(axis) in choices for axis, choices in wanted)

    def listed(notes: Iterable[Note]) -> list[str]:
        return [note.text for note in notes if concerns(note)]

    def by_name(notes: Mapping[str, Note]) -> dict[str, str]:
        return {name: note.text for name, note in notes.items() if concerns(note)}

    projects, removed = release.projects, release.projects.removed
    return {
        "version": release.version,
        "changed": listed(projects.changed),
        "variables": {
            "added": by_name(projects.variables_added),
            "removed": by_name(projects.variables_removed),
        },
        "removed": {
            "files": by_name(removed.files),
            "endpoints": by_name(removed.endpoints),
            "choices": {axis: by_name(notes) for axis, notes in removed.choices.items()},
            "questions": by_name(removed.questions),
        },
        "steps": listed(projects.steps),
        "migrations": listed(projects.migrations),
    }


def _parts(version: str) -> tuple[int, int, int, str]:
    if not (found := _VERSION.fullmatch(version)):
        raise TemplateError(f"{version!r} is not a version", hint="Use one such as 0.2.0.")
    return int(found[1]), int(found[2]), int(found[3]), found[4] or ""


def _compose(first: Mappings, second: Mappings) -> Mappings:
    by_axis = {second.questions.get(axis, axis): names for axis, names in first.choices.items()}
    return Mappings(
        questions=_chain(first.questions, second.questions),
        choices={
            axis: _chain(by_axis.get(axis, {}), second.choices.get(axis, {}))
            for axis in dict.fromkeys([*by_axis, *second.choices])
        },
        files=_chain_files(first.files, second.files),
        migrations=_chain(first.migrations, second.migrations),
    )


def _chain(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, str]:
    """Return where names lead through both; one that comes back to itself is left out."""
    found = {**second, **{old: second.get(new, new) for old, new in first.items()}}
    return {old: new for old, new in found.items() if old != new}


def _chain_files(
    first: Mapping[str, tuple[str, ...]], second: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    found = dict(second)
    for old, paths in first.items():
        ends = (end for path in paths for end in second.get(path, (path,)))
        found[old] = tuple(dict.fromkeys(ends))
    return {old: new for old, new in found.items() if new != (old,)}


def _current(answers: Mapping[str, Iterable[str]], since: Mappings) -> dict[str, tuple[str, ...]]:
    """Return choices by axis with today's names."""
    return {
        (axis := since.questions.get(old, old)): tuple(
            since.choices.get(axis, {}).get(choice, choice) for choice in choices
        )
        for old, choices in answers.items()
    }


def _known_choices(root: Path, releases: Iterable[Release]) -> dict[str, set[str] | None]:
    """Return the choices of every question, with what releases removed; None if nobody knows."""
    known: dict[str, set[str] | None] = {
        question.key: {choice.value for choice in question.choices}
        for question in read_questions(root)
    }
    for release in releases:
        known |= dict.fromkeys(release.projects.removed.questions)
        for axis, gone in _current(release.projects.removed.choices, release.since).items():
            if choices := known.get(axis):
                choices |= {*gone}
    return known


def _refuse_unknown(releases: Iterable[Release], known: Mapping[str, set[str] | None]) -> None:
    for release in releases:
        for place, named in _named(release):
            for axis, choices in _current(named, release.since).items():
                if axis not in known:
                    problem = f"{axis} is not a question"
                elif (valid := known[axis]) is not None and (unknown := {*choices} - valid):
                    problem = f"{min(unknown)} is not a choice of {axis}"
                else:
                    continue
                raise TemplateError(
                    f"releases/{release.version}.yml: {place}: {problem}",
                    hint="Use the names of copier.yml, or those that a release removed.",
                )


def _named(release: Release) -> Iterator[tuple[str, Mapping[str, Iterable[str]]]]:
    """Yield the choices by axis that a release names, each with the place."""
    mappings = release.mappings
    yield "mappings.questions", dict.fromkeys(mappings.questions.values(), ())
    yield "mappings.choices", {axis: names.values() for axis, names in mappings.choices.items()}
    for note in release.projects.notes():
        yield f"for of {note.text!r}", note.answers
