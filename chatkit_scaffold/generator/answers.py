"""Merges the user's answers: flags, `--data`, and an answers file."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from chatkit_scaffold.errors import AnswerError
from chatkit_scaffold.generator.questions import Question
from chatkit_scaffold.text import listed

# Copier records these in every project; they name the template and answer no question.
_RECORDED = {"_src_path", "_commit"}


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
        AnswerError: A key is unknown or has two values, or a value is not a valid choice.
    """
    passed: dict[str, Any] = {}
    for key, value in [*_passed(flags), *map(_split, data)]:
        if passed.get(key, value) != value:
            raise AnswerError(
                f"{key} has two values, {passed[key]!r} and {value!r}",
                hint=f"Pass --{key} or --data {key}=... once.",
            )
        passed[key] = value
    answers = {**_read(file), **passed} if file else passed
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
            f"{text!r} is not an answer",
            hint="Write --data KEY=VALUE, such as --data store=memory.",
        )
    return key, value


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise AnswerError(
            f"The answers file {file} cannot be read: {reason}",
            hint="Pass a YAML file with lines such as 'store: sqlite'.",
        ) from error
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f" (line {place.line + 1})" if place else ""
        raise AnswerError(
            f"The answers file {file} is not valid YAML{line}",
            hint="Write one answer per line, such as 'store: sqlite'.",
        ) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise AnswerError(
            f"The answers file {file} is not a mapping of questions to answers",
            hint="Write one answer per line, such as 'store: sqlite'.",
        )
    return {str(key): value for key, value in content.items() if key not in _RECORDED}


def _check(known: Mapping[str, Question], key: str, value: object) -> None:
    question = known.get(key)
    if question is None:
        names = ", ".join(name for name, candidate in known.items() if candidate.asked)
        raise AnswerError(
            f"{key!r} is not a question of the template", hint=f"Its questions are {names}."
        )
    if not question.asked:
        raise AnswerError(
            f"{key} is derived from other answers and cannot be set to {value!r}",
            hint=f"Leave out {key}.",
        )
    if value is None or isinstance(value, (list, dict)):
        raise AnswerError(f"{value!r} is not a valid {key}", hint="Use a single text value.")
    allowed = [choice.value for choice in question.choices]
    if allowed and str(value) not in allowed:
        raise AnswerError(
            f"{str(value)!r} is not a valid {key}", hint=f"Choose {listed(allowed, 'or')}."
        )
