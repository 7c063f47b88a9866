"""Every check has an explanation, which a search for its symptom finds."""

import ast
import inspect
import json
import re
import textwrap

import pytest
from chatkit.agents import ThreadItemConverter
from chatkit.server import ChatKitServer
from chatkit.store import Store

from chatkit_scaffold.conformance import ranking, reference
from chatkit_scaffold.conformance.explain import explain, explanations, search
from chatkit_scaffold.conformance.families import REGISTRY
from chatkit_scaffold.errors import ScaffoldError
from tests.conformance.sentences import FORUMS, KNOWN, UNSEEN

pytestmark = pytest.mark.quick
WEAK = "Nothing fits well. The nearest are\n  "


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


@pytest.mark.parametrize(
    ("sentences", "first", "shown"),
    [
        pytest.param(KNOWN, 38, 40, id="known"),
        pytest.param(FORUMS, 55, 58, id="forums"),
        pytest.param(UNSEEN, 32, 41, id="unseen"),
    ],
)
def test_sentences_find_checks(sentences: dict[str, str], first: int, shown: int) -> None:
    """Most sentences lead to a right check at once, and nearly all have one among those shown."""
    found = {sentence: [match.key for match in search(sentence)] for sentence in sentences}
    missed = [one for one, ids in found.items() if ids[:1] and ids[0] not in sentences[one].split()]
    hidden = [one for one, ids in found.items() if not {*ids} & {*sentences[one].split()}]
    assert len(sentences) - len(missed) >= first, missed
    assert len(sentences) - len(hidden) >= shown, hidden


@pytest.mark.parametrize("sentence", KNOWN)
def test_known_symptoms_get_an_explanation(sentence: str) -> None:
    """Each of the known symptoms gets a check's whole explanation, not only a list."""
    assert "\nFix:     " in explain(sentence)


def test_right_checks_exist() -> None:
    """Each right answer is the id of a check."""
    named = {
        one for group in (KNOWN, FORUMS, UNSEEN) for ids in group.values() for one in ids.split()
    }
    assert named <= REGISTRY.keys()


@pytest.mark.parametrize(
    "words",
    [
        *("", " ", "qqq", "the", "x" * 10_000, "the " * 2_500, "a\0b", "\udcff"),
        *("my cat is hungry", "how do I deploy to Kubernetes", "git merge conflict"),
        *("die Antwort kommt nie an", "рассылка не работает", "答えが来ない"),
        *('"', "*", "-", "'", "NEAR(", "AND", "symptom:", '" OR "', "^ + ( )"),
    ],
    ids=lambda words: ascii(words)[1:20],
)
def test_nothing_fits(words: str) -> None:
    """What has nothing to do with a chat gets one sentence, on one line, and a hint."""
    with pytest.raises(ScaffoldError, match=r"^No check matches ['\"]") as caught:
        explain(words)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 150
    assert caught.value.hint.endswith("see chatkit-scaffold check --list.")


@pytest.mark.parametrize(
    "words",
    [
        *("add dark mode", "can you write a poem", "rate limit of OpenAI reached"),
        *("CORS エラー", "NEAR(cors, nginx) " * 500),
    ],
    ids=lambda words: words[:20],
)
def test_somewhat_similar(words: str) -> None:
    """What shares a few words with some symptoms never crashes, and ends in one of two ways."""
    text = explain(words)
    assert text.startswith(WEAK) or "\nFix:     " in text


def test_nothing_fits_well() -> None:
    """Checks that fit only somewhat are listed with their symptoms; none is explained."""
    text = explain("rate limit of OpenAI reached")
    assert text.startswith(WEAK)
    assert "Fix:" not in text
    assert all(line.split(": ")[0].strip() in REGISTRY for line in text.splitlines()[1:])


def test_answer_comes_first() -> None:
    """The best check is explained first; at most three others follow, with their symptoms."""
    answer, _, others = explain("retry deletes my earlier messages").partition("\nSee also\n")
    assert answer.startswith("items-retry-replaces (MUST): ")
    ids = [line.split(":")[0].strip() for line in others.splitlines()]
    assert 1 <= len(ids) <= 3
    assert "items-retry-replaces" not in ids
    assert others == "".join(f"  {one}: {explanations()[one].symptom}\n" for one in ids)


@pytest.mark.parametrize("word", ["memory", "items", "MEMORY", "items-retry", "access-"])
def test_family_or_prefix(word: str) -> None:
    """A family, or the beginning of several ids, lists these checks with their symptoms."""
    ids = [one for one in REGISTRY if one.startswith(word.lower())]
    assert len(ids) > 1
    assert explain(word) == "".join(f"  {one}: {explanations()[one].symptom}\n" for one in ids)


@pytest.mark.parametrize("word", ["items-feedb", "Items-Feedback-Taken", " items-feedback-taken\n"])
def test_only_one_id(word: str) -> None:
    """The beginning of only one id explains it, as does the id in capitals."""
    assert explain(word) == explain("items-feedback-taken")


@pytest.mark.parametrize(
    "word", ["items-feedbak-taken", "item-feedback-taken", "items-feedback-take-"]
)
def test_misspelled_id(word: str) -> None:
    """A misspelled id is no symptom: the hint has the right one."""
    with pytest.raises(ScaffoldError, match=f"^No check matches '{word}'$") as caught:
        explain(word)
    assert "items-feedback-taken" in caught.value.hint


def test_words_with_hyphens_are_symptoms() -> None:
    """A word with a hyphen that is no id is searched for like any other."""
    assert explain("proxy-buffering").startswith("transport-not-buffered ")


def test_search_without_fts5(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without full-text search in SQLite, a symptom gets one sentence, and an id still works."""
    monkeypatch.setattr(ranking, "_TABLE", "CREATE VIRTUAL TABLE texts USING missing(key)")
    with pytest.raises(ScaffoldError, match="cannot search texts: no such module") as caught:
        explain("no response")
    assert "--list" in caught.value.hint
    assert explain("items-ids-unique").startswith("items-ids-unique ")


def test_search_words_are_not_shown() -> None:
    """The other words for a symptom only serve the search: no reader sees them."""
    page = reference.page()
    for check_id, text in explanations().items():
        if text.also:
            assert text.also not in page
            assert text.also not in explain(check_id)


def test_explain_id() -> None:
    """An explanation has a symptom, a cause, a fix, code and a source."""
    text = explain("items-ids-unique")
    assert text.startswith("items-ids-unique (MUST): No two items have the same id")
    for part in ("Symptom: ", "Cause:   ", "Fix:     ", "Source:  ", "    ids = {}"):
        assert part in text


@pytest.mark.parametrize("check_id", REGISTRY)
def test_code_is_valid(check_id: str) -> None:
    """Code in Python or JSON can be parsed; methods of the SDK have the SDK's parameters."""
    text = explanations()[check_id]
    if text.language == "json":
        json.loads(text.code)
    if text.language == "python":
        function = f"async def function():\n{textwrap.indent(text.code, '    ')}"
        for node in ast.walk(ast.parse(function)):
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
                assert _parameters(node) in (_sdk_parameters(node.name), None)


def _parameters(node: ast.AsyncFunctionDef | ast.FunctionDef) -> list[str] | None:
    """Return the parameters of a method."""
    names = [argument.arg for argument in node.args.args]
    return names if names[:1] == ["self"] and _sdk_parameters(node.name) else None


def _sdk_parameters(name: str) -> list[str] | None:
    """Return the parameters of the SDK's method of this name."""
    for owner in (ChatKitServer, Store, ThreadItemConverter):
        if hasattr(owner, name):
            return list(inspect.signature(getattr(owner, name)).parameters)
    return None
