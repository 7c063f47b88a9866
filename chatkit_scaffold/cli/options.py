"""The `options` and `matrix` commands: what users can choose, for people and for programs."""

import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from chatkit_scaffold.generator import source
from chatkit_scaffold.generator.choices import requirements, variables
from chatkit_scaffold.generator.questions import (
    Question,
    axes,
    combination_name,
    combinations,
    read_questions,
)


class MatrixFormat(StrEnum):
    """The values of `matrix --format`."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def list_options(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the choices, and what each one installs and reads.

    Example: chatkit-scaffold options --json
    """
    root = source.builtin_root()
    show = _as_json if as_json else _as_text
    typer.echo(show(root, read_questions(root)))


def matrix(
    output_format: Annotated[
        MatrixFormat,
        typer.Option(
            "--format",
            metavar="|".join(MatrixFormat),
            help="Use github for the matrix of a workflow.",
        ),
    ] = MatrixFormat.TEXT,
) -> None:
    """List every valid combination of choices.

    Example: chatkit-scaffold matrix --format github
    """
    questions = read_questions(source.builtin_root())
    rows = [{**answers, "name": combination_name(answers)} for answers in combinations(questions)]
    match output_format:
        case MatrixFormat.TEXT:
            typer.echo("\n".join(row["name"] for row in rows))
        case MatrixFormat.JSON:
            typer.echo(json.dumps(rows, indent=2))
        case MatrixFormat.GITHUB:
            typer.echo(json.dumps({"include": rows}))


def _as_text(root: Path, questions: tuple[Question, ...]) -> str:
    lines = []
    for axis in axes(questions):
        lines += [f"--{axis.key}  {axis.help}"]
        width = max(len(choice.value) for choice in axis.choices)
        for choice in axis.choices:
            mark = "*" if choice.value == axis.default else " "
            lines.append(f"  {mark} {choice.value:{width}}  {choice.label}")
            lines += [f"    {'':{width}}  {text}" for text in _adds(root, axis.key, choice.value)]
        lines.append("")
    return "\n".join([*lines, "* default"])


def _adds(root: Path, axis: str, choice: str) -> Iterator[str]:
    if installed := requirements(root, axis, choice):
        yield f"installs {', '.join(installed)}"
    for required, verb in ((True, "needs"), (False, "reads")):
        names = [item.name for item in variables(root, axis, choice) if item.required is required]
        if names:
            yield f"{verb} {', '.join(names)}"


def _as_json(root: Path, questions: tuple[Question, ...]) -> str:
    found = {
        "axes": [_axis_as_dict(root, axis) for axis in axes(questions)],
        "questions": [
            {"key": question.key, "help": question.help}
            for question in questions
            if question.asked and not question.choices
        ],
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


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
