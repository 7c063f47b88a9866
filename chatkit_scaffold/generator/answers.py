"""Puts together what the user answered: flags, `--data`, and an answers file."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from chatkit_scaffold.errors import AnswerError
from chatkit_scaffold.generator.questions import Question
from chatkit_scaffold.text import listed

# Written by Copier into every project; they name the template, they answer nothing.
_RECORDED = {"_src_path", "_commit"}


def gather(
    questions: Iterable[Question] | None,
    *,
    flags: Mapping[str, str | None],
    data: Iterable[str],
    file: Path | None,
) -> dict[str, Any]:
    """Merge all answers; a flag and `--data` win over the file.

    Args:
        questions: The template's questions; None when only Copier can read them, and checks.
        flags: Answers by option; None where the option was not given.
        data: `KEY=VALUE` texts.
        file: A YAML file of answers, such as the `.copier-answers.yml` of another project.

    Raises:
        AnswerError: A key is unknown or answered in two ways, or a value is not among its choices.
    """
    spoken: dict[str, Any] = {}
    for key, value in [*_given(flags), *map(_split, data)]:
        if spoken.get(key, value) != value:
            raise AnswerError(
                f"{key} is answered twice, with {spoken[key]!r} and with {value!r}",
                hint=f"Give --{key} or --data {key}=... once.",
            )
        spoken[key] = value
    answers = {**_read(file), **spoken} if file else spoken
    if questions is not None:
        known = {question.key: question for question in questions}
        for key, value in answers.items():
            _check(known, key, value)
    return answers


def _given(flags: Mapping[str, str | None]) -> list[tuple[str, str]]:
    return [(key, value) for key, value in flags.items() if value is not None]


def _split(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise AnswerError(
            f"{text!r} is no answer", hint="Write --data KEY=VALUE, such as --data store=memory."
        )
    return key, value


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise AnswerError(
            f"The answers file {file} cannot be read: {reason}",
            hint="Name a YAML file with lines such as 'store: sqlite'.",
        ) from error
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f" (line {place.line + 1})" if place else ""
        raise AnswerError(
            f"The answers file {file} is not YAML{line}",
            hint="Write one answer a line, such as 'store: sqlite'.",
        ) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise AnswerError(
            f"The answers file {file} holds no answers by name",
            hint="Write one answer a line, such as 'store: sqlite'.",
        )
    return {str(key): value for key, value in content.items() if key not in _RECORDED}


def _check(known: Mapping[str, Question], key: str, value: object) -> None:
    question = known.get(key)
    if question is None:
        names = ", ".join(name for name, candidate in known.items() if candidate.asked)
        raise AnswerError(f"The template has no question {key!r}", hint=f"It asks {names}.")
    if not question.asked:
        raise AnswerError(
            f"{key} follows from the other answers and cannot be set to {value!r}",
            hint=f"Leave {key} out.",
        )
    if value is None or isinstance(value, (list, dict)):
        raise AnswerError(f"{value!r} is no answer for {key}", hint="Give one text.")
    allowed = [choice.value for choice in question.choices]
    if allowed and str(value) not in allowed:
        raise AnswerError(
            f"{str(value)!r} is no choice for {key}", hint=f"Choose {listed(allowed, 'or')}."
        )
