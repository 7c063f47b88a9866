"""Every check is explained, and the explanation is found by what a user sees."""

import re
from pathlib import Path

import pytest

from chatkit_scaffold.conformance.explain import explain, explanations
from chatkit_scaffold.conformance.families import REGISTRY
from chatkit_scaffold.conformance.reference import page
from chatkit_scaffold.errors import ScaffoldError

DOCS = Path(__file__).parents[2] / "docs" / "checks.md"


def test_the_page_is_current() -> None:
    """docs/checks.md is what `make docs` writes."""
    assert DOCS.read_text(encoding="utf-8") == page()


def test_every_check_is_explained() -> None:
    """There is one explanation for each check."""
    assert explanations().keys() == REGISTRY.keys()


@pytest.mark.parametrize("check_id", REGISTRY)
def test_declarations(check_id: str) -> None:
    """An id is kebab case and begins with its family; title and fix are one sentence each."""
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
    ],
)
def test_symptoms_lead_to_checks(symptom: str, expected: str) -> None:
    """What a user sees, in their words, is answered with the right check among the few shown."""
    assert re.search(rf"^ *{expected}\b", explain(symptom), re.MULTILINE)


def test_an_id_is_explained() -> None:
    """An explanation has symptom, cause, fix, code and source."""
    text = explain("items-ids-unique")
    assert text.startswith("items-ids-unique (MUST): No two items have the same id")
    for part in ("Symptom: ", "Cause:   ", "Fix:     ", "Source:  ", "    ids = defaultdict"):
        assert part in text


def test_nothing_fits() -> None:
    """Words that fit no check are said back, with what to do."""
    with pytest.raises(ScaffoldError, match="no check is called or about 'qqq'") as caught:
        explain("qqq")
    assert "--list" in caught.value.hint
