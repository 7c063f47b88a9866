"""Symptom, cause and fix of every check, found by the check's id or by a symptom."""

import difflib
import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources

from chatkit_scaffold.conformance.check import Check
from chatkit_scaffold.conformance.families import REGISTRY
from chatkit_scaffold.conformance.ranking import Match, Text, rank
from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.text import listed, shorten

_SECTION = re.compile(
    r"## (?P<id>\S+)\nSymptom: (?P<symptom>.+)\n(?:Also said: (?P<also>.+)\n)?"
    r"Cause: (?P<cause>.+)\n\n"
    r"```(?P<language>\w+)\n(?P<code>[\s\S]+?)\n```"
)
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]*)+")
_FITS = 4.5
"""Score from which a check is shown as the explanation of a symptom."""
_NEAR = 1.0
"""Score from which it is worth mentioning."""
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a check matters.

    Attributes:
        symptom: What the user of the chat sees.
        also: Other words for it, only to find it.
        cause: What is wrong in the backend.
        language: The language of the code.
        code: A few lines of correct code.
    """

    symptom: str
    also: str
    cause: str
    language: str
    code: str


@functools.cache
def explanations() -> dict[str, Explanation]:
    """Return all explanations by the id of their check.

    Raises:
        ScaffoldError: The installation is incomplete.
    """
    folder = resources.files("chatkit_scaffold.conformance") / "symptoms"
    try:
        texts = [file.read_text(encoding="utf-8") for file in folder.iterdir()]
    except OSError as error:
        raise ScaffoldError(
            f"The installation has no explanations in {folder}", hint="Reinstall chatkit-scaffold."
        ) from error
    found = [match for text in texts for match in _SECTION.finditer(text)]
    return {
        match["id"]: Explanation(
            match["symptom"], match["also"] or "", match["cause"], match["language"], match["code"]
        )
        for match in found
    }


def explain(words: str) -> str:
    """Return the explanation of a check.

    Args:
        words: The check's id, the beginning of several ids, or a symptom in the user's own words.

    Raises:
        ScaffoldError: No check matches, or the installation is incomplete.
    """
    words = words.strip()
    found = _called(words.lower())
    if len(found) == 1:
        return plain(REGISTRY[found[0]])
    if found:
        return _listing(found)
    matches = search(words)
    if not matches or matches[0].score < _NEAR:
        raise ScaffoldError(
            f"No check matches {shorten(words)!r}",
            hint="Describe what the user of the chat sees, or see chatkit-scaffold check --list.",
        )
    best = matches[0]
    if best.score < _FITS:
        return f"Nothing fits well. The nearest are\n{_listing(one.key for one in matches)}"
    others = _listing(one.key for one in matches[1:])
    return plain(REGISTRY[best.key]) + (f"\nSee also\n{others}" if others else "")


def search(symptom: str) -> list[Match]:
    """Return the checks that explain a symptom best, but only those that come near the first."""
    texts = [
        Text(check.id, text.symptom, text.also, text.cause, f"{check.title} {check.id}")
        for check in REGISTRY.values()
        for text in [explanations()[check.id]]
    ]
    matches = rank(texts, symptom)[:_SHOWN]
    return [match for match in matches if match.score * 4 >= matches[0].score]


def plain(check: Check) -> str:
    """Return the explanation of a check for a terminal."""
    text = explanations()[check.id]
    code = "\n".join(f"    {line}".rstrip() for line in text.code.splitlines())
    return (
        f"{check.id} ({check.level}): {check.title}\n\n"
        f"Symptom: {text.symptom}\nCause:   {text.cause}\nFix:     {check.fix}\n\n"
        f"{code}\n\nSource:  {check.source}\n"
    )


def _called(word: str) -> list[str]:
    """Return the ids that *word* stands for: an id, a family, or the beginning of ids.

    Raises:
        ScaffoldError: The word is a misspelled id.
    """
    if word in REGISTRY:
        return [word]
    found = [one.id for one in REGISTRY.values() if word == one.family]
    if found or not _ID.fullmatch(word):
        return found
    found = [check_id for check_id in REGISTRY if check_id.startswith(word)]
    similar = difflib.get_close_matches(word, REGISTRY, n=3, cutoff=0.8)
    if similar and not found:
        raise ScaffoldError(
            f"No check matches {word!r}", hint=f"Did you mean {listed(similar, 'or')}?"
        )
    return found


def _listing(ids: Iterable[str]) -> str:
    return "".join(f"  {one}: {explanations()[one].symptom}\n" for one in ids)
