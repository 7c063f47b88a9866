"""Which answers a project has in another version of the template."""

from collections.abc import Iterable, Mapping
from typing import Any

from chatkit_scaffold.errors import AnswerError
from chatkit_scaffold.generator.questions import Question, applies
from chatkit_scaffold.generator.releases import Mappings
from chatkit_scaffold.text import listed, shown


def carried_over(
    recorded: Mapping[str, Any],
    given: Mapping[str, Any],
    questions: Iterable[Question],
    mappings: Mappings,
    version: str,
) -> dict[str, Any]:
    """Return the answers for the new version: the recorded ones, as far as they still apply.

    A question that the project has not answered yet gets its default, except `auth`: nobody
    should find their backend open because a choice was removed.

    Args:
        recorded: The answers that the project records.
        given: The answers of the user, already checked.
        questions: The questions of the new version.
        mappings: What the releases in between renamed.
        version: The new version, for errors.

    Raises:
        AnswerError: A recorded choice no longer exists, or `auth` has no answer.
    """
    answers = {**renamed(recorded, mappings), **given}
    kept: dict[str, Any] = {}
    for question in questions:
        if not question.asked or not applies(question, kept):
            if question.key in given:
                kept[question.key] = given[question.key]  # Copier says why it does not apply.
            continue
        if question.key in answers:
            _check(question, answers[question.key], version)
            kept[question.key] = answers[question.key]
        elif question.key == "auth":
            raise AnswerError(
                "The project does not record an answer for auth",
                hint=f"Choose how users are authenticated: --auth {_choices(question)}.",
            )
        elif question.has_fixed_default:
            kept[question.key] = question.default
    return kept


def renamed(recorded: Mapping[str, Any], mappings: Mappings) -> dict[str, Any]:
    """Return the recorded answers with the names that questions and choices have now."""
    answers = {mappings.questions.get(key, key): value for key, value in recorded.items()}
    return {
        key: mappings.choices.get(key, {}).get(value, value) if isinstance(value, str) else value
        for key, value in answers.items()
    }


def _check(question: Question, value: object, version: str) -> None:
    if question.choices and value not in [choice.value for choice in question.choices]:
        raise AnswerError(
            f"The project has {question.key} {shown(value)}, which version {version} of the "
            "template does not have",
            hint=f"Choose another: --{question.key} {_choices(question)}.",
        )


def _choices(question: Question) -> str:
    return listed([choice.value for choice in question.choices], "or")
