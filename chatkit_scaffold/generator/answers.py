"""Merges the user's answers: flags, `--data`, and an answers file."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from chatkit_scaffold.errors import AnswerError
from chatkit_scaffold.generator.answers_file import read_answers
from chatkit_scaffold.generator.questions import Question
from chatkit_scaffold.text import listed, shown

_NOT_TEXT = "Put it in quotes; without them, YAML reads a date, a number or a truth value."


def gather(
    questions: Iterable[Question] | None,
    *,
    flags: Mapping[str, str | None],
    data: Iterable[str],
    file: Path | None,
) -> dict[str, Any]:
    """Merge all answers; flags and `--data` override the file.

    Args:
        questions: The template's questions; None if only Copier can read and check them.
        flags: Answers by option; None for an option that was not passed.
        data: `KEY=VALUE` texts.
        file: A YAML file of answers, such as the `.copier-answers.yml` of another project.

    Raises:
        AnswerError: The file cannot be read, a key is unknown or has two values, or a value is
            not a valid choice.
    """
    passed: dict[str, Any] = {}
    for key, value in [*_passed(flags), *map(_split, data)]:
        if passed.get(key, value) != value:
            raise AnswerError(
                f"{key} has two values, {shown(passed[key])} and {shown(value)}",
                hint=f"Pass --{key} or --data {key}=... once.",
            )
        passed[key] = value
    answers = {**read_answers(file), **passed} if file else passed
    for key, value in answers.items():
        if isinstance(value, date):  # Copier has no such type.
            raise AnswerError(f"{value.isoformat()} is not a valid {key}", hint=_NOT_TEXT)
    if questions is not None:
        known = {question.key: question for question in questions}
        for key, value in answers.items():
            _check(known, key, value)
    return answers


def _passed(flags: Mapping[str, str | None]) -> list[tuple[str, str]]:
    return [(key, value) for key, value in flags.items() if value is not None]


def _split(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise AnswerError(
            f"{shown(text)} is not an answer",
            hint="Write --data KEY=VALUE, such as --data store=memory.",
        )
    return key, value


def _check(known: Mapping[str, Question], key: str, value: object) -> None:
    question = known.get(key)
    if question is None:
        names = ", ".join(name for name, candidate in known.items() if candidate.asked)
        raise AnswerError(
            f"{shown(key)} is not a question of the template", hint=f"Its questions are {names}."
        )
    if not question.asked:
        raise AnswerError(
            f"{key} is derived from other answers and cannot be set to {shown(value)}",
            hint=f"Leave out {key}.",
        )
    if value is None or isinstance(value, (list, dict, set)):
        raise AnswerError(f"{shown(value)} is not a valid {key}", hint="Use a single text value.")
    allowed = [choice.value for choice in question.choices]
    if allowed and value not in allowed:
        raise AnswerError(
            f"{shown(value)} is not a valid {key}", hint=f"Choose {listed(allowed, 'or')}."
        )
    if not isinstance(value, str):
        raise AnswerError(f"{shown(value)} is not a valid {key}", hint=_NOT_TEXT)
