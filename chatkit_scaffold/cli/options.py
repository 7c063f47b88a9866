"""The `options` and `matrix` commands: what users can choose, for people and for programs."""

import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.generator import source
from chatkit_scaffold.generator.choices import requirements, variables
from chatkit_scaffold.generator.questions import (
    Question,
    axes,
    combination_name,
    not_asked_with,
    read_questions,
)
from chatkit_scaffold.generator.questions import matrix as combinations_to_test
from chatkit_scaffold.text import listed


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
    shards: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Divide the workflow's matrix into at most N jobs."),
    ] = None,
) -> None:
    """List the combinations of choices to test: all of store, agent, tools and authentication.

    They take the front ends in turn, so that any two choices meet in one of them.

    Example: chatkit-scaffold matrix --format github --shards 20
    """
    if shards and output_format is not MatrixFormat.GITHUB:
        raise ScaffoldError(
            f"--shards {shards} cannot be used with --format {output_format.value}",
            hint="Only a workflow's matrix has jobs: add --format github.",
        )
    questions = read_questions(source.builtin_root())
    rows = [
        {**answers, "name": combination_name(answers)}
        for answers in combinations_to_test(questions)
    ]
    match output_format:
        case MatrixFormat.TEXT:
            typer.echo("\n".join(row["name"] for row in rows))
        case MatrixFormat.JSON:
            typer.echo(json.dumps(rows, indent=2))
        case MatrixFormat.GITHUB:
            typer.echo(json.dumps({"include": _shards(rows, shards) if shards else rows}))


def _shards(rows: list[dict[str, str]], number: int) -> list[dict[str, Any]]:
    """Deal the combinations out, so that the slow ones of one choice get into different jobs."""
    dealt = [rows[first::number] for first in range(min(number, len(rows)))]
    return [
        {"name": f"{place} of {len(dealt)}", "combinations": hand}
        for place, hand in enumerate(dealt, start=1)
    ]


def _as_text(root: Path, questions: tuple[Question, ...]) -> str:
    lines = []
    for axis in axes(questions):
        lines += [f"--{axis.key}  {axis.help}{_exceptions(axis, questions)}"]
        width = max(len(choice.value) for choice in axis.choices)
        for choice in axis.choices:
            mark = "*" if choice.value == axis.default else " "
            lines.append(f"  {mark} {choice.value:{width}}  {choice.label}")
            lines += [f"    {'':{width}}  {text}" for text in _adds(root, axis.key, choice.value)]
        lines.append("")
    return "\n".join([*lines, "* default"])


def _exceptions(axis: Question, questions: tuple[Question, ...]) -> str:
    flags = [f"--{key} {choice}" for key, choice in not_asked_with(axis, questions)]
    return f" (not with {listed(flags, 'or')})" if flags else ""


def _adds(root: Path, axis: str, choice: str) -> Iterator[str]:
    if installed := requirements(root, axis, choice):
        yield f"installs {', '.join(installed)}"
    for required, verb in ((True, "needs"), (False, "reads")):
        names = [item.name for item in variables(root, axis, choice) if item.required is required]
        if names:
            yield f"{verb} {', '.join(names)}"


def _as_json(root: Path, questions: tuple[Question, ...]) -> str:
    found = {
        "axes": [_axis_as_dict(root, axis, questions) for axis in axes(questions)],
        "questions": [
            {"key": question.key, "help": question.help}
            for question in questions
            if question.asked and not question.choices
        ],
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def _axis_as_dict(root: Path, axis: Question, questions: tuple[Question, ...]) -> dict[str, Any]:
    return {
        "key": axis.key,
        "help": axis.help,
        "default": axis.default,
        "not_with": [
            {"key": key, "value": choice} for key, choice in not_asked_with(axis, questions)
        ],
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
