"""Writes what the documentation derives from the code: `make docs`.

The pages are docs/checks.md, from the checks, CHANGELOG.md, from the files of releases, and the
table of choices in README.md, from `copier.yml` and each choice's `choice.yml`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from textwrap import wrap

import yaml

from chatkit_scaffold.conformance.reference import page
from chatkit_scaffold.generator.questions import Question, axes, not_asked_with, read_questions
from chatkit_scaffold.generator.release import ForProjects, Mappings, Note, Release
from chatkit_scaffold.generator.releases import read_releases
from chatkit_scaffold.text import listed

ROOT = Path(__file__).resolve().parent.parent
_TEXTS = "a name of letters, digits, `.`, `-` and `_`; a path such as `/api/chatkit`"
_TABLE = re.compile(r"(?<=<!-- choices -->\n).*(?=<!-- /choices -->)", re.DOTALL)
_HEAD = """\
# Changelog

All notable changes to this project are listed here. It follows [Semantic Versioning](https://semver.org/).
`make docs` writes this page from the files in `releases/`.
"""
_WIDTH = 120


def main() -> None:
    """Write all pages."""
    (ROOT / "docs" / "checks.md").write_text(page(), encoding="utf-8")
    (ROOT / "CHANGELOG.md").write_text(changelog(read_releases(ROOT)), encoding="utf-8")
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text(encoding="utf-8"), ROOT), encoding="utf-8")


def changelog(releases: Iterable[Release]) -> str:
    """Return the page about *releases*, which are sorted by version."""
    sections = (section for release in [*releases][::-1] for section in _release(release))
    return "\n".join([_HEAD, *sections])


def _release(release: Release) -> Iterator[str]:
    yield f"## {release.version} - {release.date or 'unreleased'}\n"
    yield from _section("### Added", release.added)
    yield from _section("### Changed", release.changed)
    yield from _section("### Fixed", release.fixed)
    yield from _in_projects(release.projects, release.mappings)


def _in_projects(projects: ForProjects, mappings: Mappings) -> Iterator[str]:
    removed = projects.removed
    sections = {
        "#### New variables": _by_name(projects.variables_added),
        "#### Removed variables": _by_name(projects.variables_removed),
        "#### Renamed": [*_renamed(mappings)],
        "#### Removed": [
            *_by_name({f"--{key}": note for key, note in removed.questions.items()}),
            *(
                text
                for axis, notes in removed.choices.items()
                for text in _by_name({f"--{axis} {key}": note for key, note in notes.items()})
            ),
            *_by_name(removed.endpoints),
            *_by_name(removed.files),
        ],
        "#### Steps": [_text(note) for note in projects.steps],
        "#### Migrations": [_text(note) for note in projects.migrations],
    }
    changed = [_text(note) for note in projects.changed]
    if changed or any(sections.values()):
        yield "### In projects\n"
        yield from _section("", changed)
    for title, texts in sections.items():
        yield from _section(title, texts)


def _section(title: str, texts: Iterable[str]) -> Iterator[str]:
    lines = [
        line
        for text in texts
        for line in wrap(
            text,
            _WIDTH,
            initial_indent="- ",
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]
    if lines:
        yield "\n".join([*([title, ""] if title else []), *lines, ""])


def _by_name(notes: Mapping[str, Note]) -> list[str]:
    return [
        f"`{name}`{f' (with {choices})' if (choices := _choices(note)) else ''}: {note.text}"
        for name, note in notes.items()
    ]


def _text(note: Note) -> str:
    choices = _choices(note)
    return f"With {choices}: {note.text}" if choices else note.text


def _choices(note: Note) -> str:
    axes_of_note = [
        listed([f"`--{axis} {choice}`" for choice in choices], "or")
        for axis, choices in note.answers.items()
    ]
    return listed(axes_of_note, "and") if axes_of_note else ""


def _renamed(mappings: Mappings) -> Iterator[str]:
    for old, new in mappings.questions.items():
        yield f"`--{old}` is `--{new}` now."
    for axis, names in mappings.choices.items():
        for old, new in names.items():
            yield f"`--{axis} {old}` is `--{axis} {new}` now."
    for old, paths in mappings.files.items():
        yield f"`{old}` is {listed([f'`{path}`' for path in paths], 'and')} now."
    for old, new in mappings.migrations.items():
        yield f"The migration `{old}` is `{new}` now."


def with_table(readme: str, root: Path) -> str:
    """Return *readme* with the current table of choices of the template in *root*."""
    table = "".join(f"{row}\n" for row in _rows(root))
    return _TABLE.sub(lambda _: table, readme)


def _rows(root: Path) -> list[str]:
    questions = read_questions(root)
    texts = [f"`--{question.key}`" for question in questions if _is_text(question)]
    return [
        "| option | choices | default |",
        "|---|---|---|",
        *(_row(root, axis, questions) for axis in axes(questions)),
        f"| {', '.join(texts)} | {_TEXTS} | the folder's name, `/chatkit` |",
    ]


def _is_text(question: Question) -> bool:
    return question.asked and not question.choices


def _row(root: Path, axis: Question, questions: tuple[Question, ...]) -> str:
    choices = [f"`{one.value}` ({_summary(root, axis.key, one.value)})" for one in axis.choices]
    flags = [f"`--{key} {choice}`" for key, choice in not_asked_with(axis, questions)]
    exceptions = f"; not with {listed(flags, 'or')}" if flags else ""
    return f"| `--{axis.key}` | {', '.join(choices)}{exceptions} | `{axis.default}` |"


def _summary(root: Path, axis: str, choice: str) -> str:
    file = root / "template" / "options" / axis / choice / "choice.yml"
    return str(yaml.safe_load(file.read_text(encoding="utf-8"))["summary"])


if __name__ == "__main__":
    main()
