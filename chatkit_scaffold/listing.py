"""Lists what can be chosen and what each choice brings, for people and for machines."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from chatkit_scaffold.options import Question, axes, combination_name, combinations


class MatrixForm(StrEnum):
    """How the matrix is written."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable that a choice reads.

    Attributes:
        name: Its name.
        default: What the example file shows.
        required: Whether the backend refuses to start without one's own value.
    """

    name: str
    default: str
    required: bool


def requirements(root: Path, axis: str, choice: str) -> list[str]:
    """Return the PEP 508 requirements that a choice brings."""
    return _lines(root, axis, choice, "requirements.txt")


def variables(root: Path, axis: str, choice: str) -> list[Variable]:
    """Return the environment variables that a choice brings.

    In its `env.example` a line `NAME=` must be given a value, and `# NAME=value` may be.
    """
    found = []
    for line in _lines(root, axis, choice, "env.example", comments=True):
        name, separator, default = line.removeprefix("#").strip().partition("=")
        if separator and name.isidentifier() and name.isupper():
            found.append(Variable(name, default.strip(), required=not line.startswith("#")))
    return found


def as_json(root: Path, questions: tuple[Question, ...]) -> str:
    """Return the axes, what each choice brings, and the other questions, for machines."""
    return json.dumps(
        {
            "axes": [_axis_as_dict(root, axis) for axis in axes(questions)],
            "questions": [
                {"key": question.key, "help": question.help}
                for question in questions
                if question.asked and not question.choices
            ],
        },
        indent=2,
        ensure_ascii=False,
    )


def as_text(root: Path, questions: tuple[Question, ...]) -> str:
    """Return the axes and what each choice brings, for people."""
    lines = []
    for axis in axes(questions):
        lines += [f"--{axis.key}  {axis.help}"]
        width = max(len(choice.value) for choice in axis.choices)
        for choice in axis.choices:
            mark = "*" if choice.value == axis.default else " "
            lines.append(f"  {mark} {choice.value:{width}}  {choice.label}")
            lines += [f"    {'':{width}}  {text}" for text in _brings(root, axis.key, choice.value)]
        lines.append("")
    return "\n".join([*lines, "* is taken when nothing is said."])


def matrix(questions: Iterable[Question], form: MatrixForm) -> str:
    """Return every valid combination in *form*; github is one line for a workflow's output."""
    rows = [{**answers, "name": combination_name(answers)} for answers in combinations(questions)]
    match form:
        case MatrixForm.TEXT:
            return "\n".join(row["name"] for row in rows)
        case MatrixForm.JSON:
            return json.dumps(rows, indent=2)
        case MatrixForm.GITHUB:
            return json.dumps({"include": rows})


def _lines(root: Path, axis: str, choice: str, name: str, *, comments: bool = False) -> list[str]:
    text = (root / "template" / "options" / axis / choice / name).read_text(encoding="utf-8")
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if line and (comments or not line.startswith("#"))]


def _brings(root: Path, axis: str, choice: str) -> Iterator[str]:
    if brought := requirements(root, axis, choice):
        yield f"installs {', '.join(brought)}"
    for required, verb in ((True, "needs"), (False, "reads")):
        names = [item.name for item in variables(root, axis, choice) if item.required is required]
        if names:
            yield f"{verb} {', '.join(names)}"


def _axis_as_dict(root: Path, axis: Question) -> dict[str, Any]:
    return {
        "key": axis.key,
        "help": axis.help,
        "default": axis.default,
        "choices": [
            {
                "value": choice.value,
                "label": choice.label,
                "requirements": requirements(root, axis.key, choice.value),
                "variables": [
                    {"name": item.name, "default": item.default, "required": item.required}
                    for item in variables(root, axis.key, choice.value)
                ],
            }
            for choice in axis.choices
        ],
    }
