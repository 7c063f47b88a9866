"""The questions of a template, and every valid combination of their choices."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatkit_scaffold.errors import TemplateError


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to answer a question.

    Attributes:
        value: What is stored, and the name of the choice's folder.
        label: What it means and costs, in the user's words.
        excluded: Jinja; renders to the reason if other answers rule out this choice.
    """

    value: str
    label: str
    excluded: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One question of `copier.yml`.

    Attributes:
        key: The name of the answer.
        help: The question in the user's words.
        default: The default answer; may be Jinja, None if there is none.
        choices: Every valid answer; empty if any text is valid.
        when: Jinja or a truth value; False if the answer is computed and never asked.
        in_turn: Whether the matrix takes its choices in turn, and does not multiply by them.
    """

    key: str
    help: str
    default: Any
    choices: tuple[Choice, ...]
    when: bool | str
    in_turn: bool = False

    @property
    def asked(self) -> bool:
        """Whether a user can answer it."""
        return self.when is not False

    @property
    def has_fixed_default(self) -> bool:
        """Whether the default is a value, and not an expression that depends on other answers."""
        return self.default is not None and "{" not in str(self.default)


def read_questions(root: Path) -> tuple[Question, ...]:
    """Return the questions of the template in *root*, in the order they are asked.

    Raises:
        TemplateError: `copier.yml` is missing or not valid YAML.
    """
    # Takes as long to import as Typer, and help does not need it.
    import yaml

    path = root / "copier.yml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise TemplateError(f"{path} cannot be read", hint="Reinstall chatkit-scaffold.") from error
    return parse_questions(content)


def parse_questions(content: Mapping[str, Any]) -> tuple[Question, ...]:
    """Return the questions among the parsed content of a `copier.yml`."""
    in_turn = content.get("_in_turn", ())
    return tuple(
        _parse_question(
            key,
            details if isinstance(details, Mapping) else {"default": details},
            in_turn=key in in_turn,
        )
        for key, details in content.items()
        if not key.startswith("_")
    )


def axes(questions: Iterable[Question]) -> tuple[Question, ...]:
    """Return the questions that span the matrix: those that users answer with a choice."""
    return tuple(question for question in questions if question.asked and question.choices)


def combinations(questions: Iterable[Question]) -> list[dict[str, str]]:
    """Return every valid combination of choices; the first axis varies slowest."""
    found: list[dict[str, str]] = [{}]
    spanning = axes(questions)
    for axis in spanning:
        found = [extended for answers in found for extended in _extend(answers, axis)]
    return [answers for answers in found if not any(_exclusions(answers, spanning))]


def matrix(questions: Sequence[Question]) -> list[dict[str, str]]:
    """Return the combinations to test: all of the axes that multiply, the others in turn.

    Any two choices that can be combined meet in one of them.
    """
    in_turn = {axis.key for axis in axes(questions) if axis.in_turn}
    groups: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for answers in combinations(questions):
        key = tuple(choice for axis, choice in answers.items() if axis not in in_turn)
        groups.setdefault(key, []).append(answers)
    multiplied = [axis for axis in axes(questions) if not axis.in_turn]
    return [group[_turn(group[0], multiplied) % len(group)] for group in groups.values()]


def _turn(answers: Mapping[str, str], multiplied: Iterable[Question]) -> int:
    """Return a number that differs for any two combinations that differ in neighbours only."""
    return sum(
        [choice.value for choice in axis.choices].index(answers[axis.key])
        for axis in multiplied
        if axis.key in answers
    )


def not_asked_with(axis: Question, questions: Iterable[Question]) -> list[tuple[str, str]]:
    """Return the choices, each with its axis, that leave a user of *axis* nothing to answer."""
    if not isinstance(axis.when, str):
        return []
    possible = combinations(questions)
    choices = dict.fromkeys(choice for answers in possible for choice in answers.items())
    asked = {choice for answers in possible if axis.key in answers for choice in answers.items()}
    return [choice for choice in choices if choice not in asked]


def combination_name(answers: Mapping[str, str]) -> str:
    """Return the name of a combination, such as `sqlite-echo-none`."""
    return "-".join(answers.values())


def _parse_question(key: str, details: Mapping[str, Any], *, in_turn: bool) -> Question:
    return Question(
        key=key,
        help=str(details.get("help", "")).strip(),
        default=details.get("default"),
        choices=tuple(_parse_choices(details.get("choices", ()))),
        when=details.get("when", True),
        in_turn=in_turn,
    )


def _parse_choices(choices: object) -> Iterator[Choice]:
    """Yield choices from any of Copier's forms: a map, pairs, or plain values; not Jinja text."""
    pairs: Iterable[Any] = ()
    if isinstance(choices, Mapping):
        pairs = choices.items()
    elif isinstance(choices, list):
        pairs = [item if isinstance(item, list) else (item, item) for item in choices]
    for label, value in pairs:
        if isinstance(value, Mapping):
            yield Choice(str(value["value"]), str(label), str(value.get("validator", "")))
        else:
            yield Choice(str(value), str(label))


def _extend(answers: dict[str, str], axis: Question) -> Iterator[dict[str, str]]:
    if not applies(axis, answers):
        yield answers
        return
    for choice in axis.choices:
        yield {**answers, axis.key: choice.value}


def applies(question: Question, answers: Mapping[str, str]) -> bool:
    """Return whether a question is asked after these answers to those before it."""
    if isinstance(question.when, str):
        return _evaluate(question.when, answers).lower() not in {"false", "no", ""}
    return question.when


def _exclusions(answers: Mapping[str, str], spanning: Iterable[Question]) -> Iterator[str]:
    for axis in spanning:
        for choice in axis.choices:
            if choice.excluded and answers.get(axis.key) == choice.value:
                yield _evaluate(choice.excluded, answers)


def _evaluate(template: str, answers: Mapping[str, str]) -> str:
    # Only a template with conditions needs Jinja here, which takes 50 ms to import.
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment().from_string(template).render(answers).strip()
