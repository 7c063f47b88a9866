"""What releases bring to a project, as lines for a terminal of 80 columns."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from chatkit_scaffold.text import escaped

_WIDTH = 79
_MANY = 12
_MIGRATE = "uv run python -m app migrate"


def section(
    title: str, texts: Sequence[str], *, limit: int | None = _MANY, prose: bool = False
) -> Iterator[str]:
    """Yield a title and each text below it, then an empty line; nothing without texts.

    Characters that a terminal would obey are escaped.

    Args:
        title: The title, without a colon.
        texts: One entry each.
        limit: How many to show; None for all.
        prose: Whether to wrap long texts. Paths stay whole, so that they can be copied.
    """
    if not texts:
        return
    yield f"{title}:"
    # One more line would not be longer than saying that there is one more.
    shown = texts if limit is None or len(texts) <= limit + 1 else texts[:limit]
    for text in shown:
        line = escaped(text)
        yield from _wrapped(line) if prose else [f"  {line}"]
    if len(shown) < len(texts):
        yield f"  … and {len(texts) - len(shown)} more, which --json lists"
    yield ""


def notes_as_lines(
    notes: Iterable[Mapping[str, Any]], *, removed: Container[str] | None = None
) -> Iterator[str]:
    """Yield the notes of releases, the oldest first, and what to do by hand at the end.

    Args:
        notes: From `releases.for_answers`.
        removed: The paths whose removal concerns the project; None if that is not known.
    """
    for release in notes:
        yield from _release(release, removed)


def _release(note: Mapping[str, Any], removed: Container[str] | None) -> Iterator[str]:
    gone, version = note["removed"], note["version"]
    files = {
        path: text for path, text in gone["files"].items() if removed is None or path in removed
    }
    no_longer = [
        *_by_name({f"--{key}": text for key, text in gone["questions"].items()}),
        *(
            line
            for axis, choices in gone["choices"].items()
            for line in _by_name({f"--{axis} {key}": text for key, text in choices.items()})
        ),
        *_by_name(gone["endpoints"]),
        *_by_name(files),
    ]
    added, lost = note["variables"]["added"], note["variables"]["removed"]
    for title, texts in (
        (f"Changed in {version}", note["changed"]),
        (f"New variables in {version}", _by_name(added)),
        (f"Removed variables in {version}", _by_name(lost)),
        (f"Removed in {version}", no_longer),
        (f"Steps to take for {version}", note["steps"]),
        (f"Migrations in {version}, to run with {_MIGRATE}", note["migrations"]),
    ):
        # All of them: nothing else tells what a release means for this project.
        yield from section(title, texts, limit=None, prose=True)


def _by_name(notes: Mapping[str, str]) -> list[str]:
    return [f"{name}: {text}" for name, text in notes.items()]


def _wrapped(text: str) -> list[str]:
    return wrap(
        text,
        _WIDTH,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
