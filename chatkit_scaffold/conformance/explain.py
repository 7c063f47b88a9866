"""Symptom, cause and fix of every check, found by the check's id or by a symptom."""

import functools
import re
from dataclasses import dataclass
from importlib import resources

from chatkit_scaffold.conformance.check import Check
from chatkit_scaffold.conformance.families import REGISTRY
from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.text import shorten

_SECTION = re.compile(
    r"## (?P<id>\S+)\nSymptom: (?P<symptom>.+)\nCause: (?P<cause>.+)\n\n"
    r"```(?P<language>\w+)\n(?P<code>[\s\S]+?)\n```"
)
_WORD = re.compile(r"[a-z0-9_.]+")
_MIN_LETTERS = 3
"""Shorter words are ignored in a search."""
_STOP_WORDS = frozenset(
    {"after", "all", "and", "are", "but", "does", "for", "from", "get", "gets", "have", "its"}
    | {"not", "only", "that", "the", "then", "there", "this", "was", "what", "when", "which"}
    | {"with", "you"}
)
_SUGGESTED = 4


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a check matters.

    Attributes:
        symptom: What the user of the chat sees.
        cause: What is wrong in the backend.
        language: The language of the code.
        code: A few lines of correct code.
    """

    symptom: str
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
        match["id"]: Explanation(*match.group("symptom", "cause", "language", "code"))
        for match in found
    }


def explain(words: str) -> str:
    """Return the explanation of a check.

    Args:
        words: The check's id, or a symptom in the user's own words.

    Raises:
        ScaffoldError: No check matches, or the installation is incomplete.
    """
    if words in REGISTRY:
        return plain(REGISTRY[words])
    found = search(words)
    if not found:
        raise ScaffoldError(
            f"No check matches {shorten(words)!r}",
            hint="Describe what the user of the chat sees, or see chatkit-scaffold check --list.",
        )
    also = "".join(f"  {one.id}: {explanations()[one.id].symptom}\n" for one in found[1:_SUGGESTED])
    return plain(found[0]) + (f"\nSee also\n{also}" if also else "")


def search(words: str) -> list[Check]:
    """Return the checks whose explanations match *words*, best match first."""
    wanted = _words(words)
    scored = [(_score(wanted, check), check) for check in REGISTRY.values()]
    best = max(score for score, _ in scored)
    ranked = sorted(scored, key=lambda pair: -pair[0])
    return [check for score, check in ranked if score > 0 and score * 2 >= best]


def plain(check: Check) -> str:
    """Return the explanation of a check for a terminal."""
    text = explanations()[check.id]
    code = "\n".join(f"    {line}".rstrip() for line in text.code.splitlines())
    return (
        f"{check.id} ({check.level}): {check.title}\n\n"
        f"Symptom: {text.symptom}\nCause:   {text.cause}\nFix:     {check.fix}\n\n"
        f"{code}\n\nSource:  {check.source}\n"
    )


def _score(wanted: set[str], check: Check) -> float:
    """Count the words in common; those of the symptom weigh most."""
    text = explanations()[check.id]
    found = [
        (4.0, _words(text.symptom)),
        (1.0, _words(text.cause)),
        (1.0, _words(check.title) | set(check.id.split("-"))),
    ]
    return sum(weight * len(wanted & words) for weight, words in found)


def _words(text: str) -> set[str]:
    """Return the significant words of a text, without endings: "starting" becomes "start"."""
    words = {word.strip("._") for word in _WORD.findall(text.lower())} - _STOP_WORDS
    significant = (word for word in words if len(word) >= _MIN_LETTERS)
    return {re.sub(r"(?<=\w{3})(?:ing|es|s|ed)$", "", word) for word in significant}
