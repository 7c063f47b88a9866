"""Which answers a project has in another version of the template."""

from collections.abc import Mapping
from typing import Any

import pytest

from chatkit_scaffold.errors import AnswerError
from chatkit_scaffold.generator.questions import parse_questions
from chatkit_scaffold.generator.release import Mappings
from chatkit_scaffold.update.answers import carried_over

pytestmark = pytest.mark.quick

QUESTIONS = parse_questions(
    {
        "name": {"default": "{{ _folder_name }}"},
        "store": {"choices": ["memory", "sqlite"], "default": "sqlite"},
        "agent": {"choices": ["echo", "openai"], "default": "echo"},
        "tools": {
            "choices": ["none", "mcp"],
            "default": "none",
            "when": "{{ agent != 'echo' }}",
        },
        "auth": {"choices": ["none", "jwt", "session"], "default": "none"},
        "facts": {"default": "{{ store }}", "when": False},
    }
)
RECORDED = {"name": "bot", "store": "memory", "agent": "openai", "tools": "mcp", "auth": "jwt"}


def carry(
    recorded: Mapping[str, Any],
    given: Mapping[str, Any] | None = None,
    mappings: Mappings = Mappings(),  # noqa: B008 - frozen
) -> dict[str, Any]:
    """Return the answers for the questions above."""
    return carried_over(recorded, given or {}, QUESTIONS, mappings, "0.4.0")


def test_keeps_what_still_applies() -> None:
    """Nothing changes by itself."""
    assert carry(RECORDED) == RECORDED


def test_the_users_answer_counts() -> None:
    """A choice is changed by the same command."""
    assert carry(RECORDED, {"store": "sqlite"}) == {**RECORDED, "store": "sqlite"}


def test_a_new_question_gets_its_default() -> None:
    """An earlier version did not ask for tools."""
    recorded = {key: value for key, value in RECORDED.items() if key != "tools"}

    assert carry(recorded)["tools"] == "none"


def test_auth_never_gets_its_default() -> None:
    """A missing answer must not open a backend."""
    recorded = {key: value for key, value in RECORDED.items() if key != "auth"}

    with pytest.raises(AnswerError, match="does not record an answer for auth") as caught:
        carry(recorded)

    assert caught.value.hint == ("Choose how users are authenticated: --auth none, jwt or session.")
    assert carry(recorded, {"auth": "none"})["auth"] == "none"


@pytest.mark.parametrize(("key", "gone"), [("auth", "local"), ("store", "files")])
def test_a_choice_that_no_longer_exists_needs_an_answer(key: str, gone: str) -> None:
    """The default could be anything but what the project is."""
    with pytest.raises(AnswerError, match=f"The project has {key} '{gone}', which version 0.4.0"):
        carry({**RECORDED, key: gone})

    assert carry({**RECORDED, key: gone}, {key: RECORDED[key]}) == RECORDED


def test_a_renamed_choice_is_followed() -> None:
    """A release says what became of it."""
    recorded = {**RECORDED, "auth": "accounts"}

    assert (
        carry(recorded, mappings=Mappings(choices={"auth": {"accounts": "session"}}))["auth"]
        == "session"
    )


def test_a_renamed_question_is_followed_with_its_choices() -> None:
    """The old key goes, and the answer stays."""
    recorded = {**{k: v for k, v in RECORDED.items() if k != "store"}, "database": "ram"}
    renamed = Mappings(questions={"database": "store"}, choices={"store": {"ram": "memory"}})

    assert carry(recorded, mappings=renamed) == RECORDED


def test_an_answer_that_no_longer_applies_goes() -> None:
    """An echo has no tools."""
    assert carry(RECORDED, {"agent": "echo"}) == {
        "name": "bot",
        "store": "memory",
        "agent": "echo",
        "auth": "jwt",
    }


def test_what_the_user_asks_for_is_not_dropped() -> None:
    """Rendering refuses it, and says why."""
    assert carry(RECORDED, {"agent": "echo", "tools": "mcp"})["tools"] == "mcp"


@pytest.mark.parametrize("odd", [{"a": 1}, None, 7, ["memory"]])
def test_an_odd_record_is_an_error(odd: object) -> None:
    """The file is the user's, who may have edited it."""
    with pytest.raises(AnswerError, match="The project has store"):
        carry({**RECORDED, "store": odd})
