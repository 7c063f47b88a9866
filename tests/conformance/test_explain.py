"""Every check has an explanation, which a search for its symptom finds."""

import re

import pytest

from chatkit_scaffold.conformance.explain import explain, explanations
from chatkit_scaffold.conformance.families import REGISTRY
from chatkit_scaffold.errors import ScaffoldError


def test_every_check_has_an_explanation() -> None:
    """There is an explanation for every check, and none for an unknown check."""
    assert explanations().keys() == REGISTRY.keys()


@pytest.mark.parametrize("check_id", REGISTRY)
def test_declarations(check_id: str) -> None:
    """An id is in kebab case and starts with its family; title and fix are sentences."""
    check = REGISTRY[check_id]
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", check_id)
    module = check.function.__module__.rpartition(".")[2]
    assert module.partition("_")[0] == check.family
    assert check.title.endswith(".")
    assert check.fix[0].isupper()
    assert check.fix.endswith(".")
    assert check.source


@pytest.mark.parametrize(
    ("symptom", "expected"),
    [
        ("every message starts a new conversation", "streaming-thread-created"),
        ("ChatKit creates new conversations on every message", "threads-created-once"),
        ("the UI resets after sending", "transport-event-framing"),
        ("UI resets after sending message", "transport-event-stream-type"),
        ("no response received", "streaming-answer-arrives"),
        ("No response received", "streaming-updates-wrapped"),
        ("CORS error", "transport-cors-errors"),
        ("retry runs for ever", "items-retry-answers"),
        ("after a reload the conversation cannot be opened", "threads-read-after-first-turn"),
        ("the answer comes all at once", "transport-streams-as-made"),
        ("users see conversations of others", "access-list-separate"),
        ("answer lost when I press stop", "items-stop-keeps-partial"),
        ("blank page", "transport-reachable"),
    ],
)
def test_symptoms_find_checks(symptom: str, expected: str) -> None:
    """A symptom in a user's own words finds the expected check among those it shows."""
    assert re.search(rf"^ *{expected}\b", explain(symptom), re.MULTILINE)


def test_explain_id() -> None:
    """An explanation has a symptom, a cause, a fix, code and a source."""
    text = explain("items-ids-unique")
    assert text.startswith("items-ids-unique (MUST): No two items have the same id")
    for part in ("Symptom: ", "Cause:   ", "Fix:     ", "Source:  ", "    ids = defaultdict"):
        assert part in text


def test_no_match() -> None:
    """Without a match, the error shows the words and where to look."""
    with pytest.raises(ScaffoldError, match=r"^No check matches 'qqq'$") as caught:
        explain("qqq")
    assert "--list" in caught.value.hint
