"""Gives a command one option per question of the template, so `copier.yml` is the only list."""

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand
from typer.main import get_command

from chatkit_scaffold.generator.questions import Question, not_asked_with
from chatkit_scaffold.text import listed

Function = Callable[..., None]


def without_flags(function: Function) -> Function:
    """Return *function* as Typer can register it: without its `**flags`."""
    return _with_parameters(function, [])


def command_with_flags(
    function: Function, questions: Sequence[Question], *, show_defaults: bool
) -> TyperCommand:
    """Return a command that has an option for every question that users can answer.

    Args:
        function: Takes the answers as `**flags`; None for an option that was not passed.
        questions: The template's questions.
        show_defaults: Whether the template's defaults apply to what is not passed.
    """
    flags = [
        _flag(question, questions, show_default=show_defaults)
        for question in questions
        if question.asked
    ]
    # Click's own objects are private to Typer, so Typer creates the command.
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(function.__name__)(_with_parameters(function, flags))
    # A program of one command is that command.
    return cast("TyperCommand", get_command(app))


def _with_parameters(function: Function, flags: list[inspect.Parameter]) -> Function:
    """Return *function* with *flags* in place of its `**flags`, behind the first parameter."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> None:
        function(*args, **kwargs)

    signature = inspect.signature(function)
    first, *rest = [
        parameter
        for parameter in signature.parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    # Typer reads the signature from here; the type checker still sees the function's own.
    call.__signature__ = signature.replace(parameters=[first, *flags, *rest])  # type: ignore[attr-defined]
    return call


def _flag(
    question: Question, questions: Sequence[Question], *, show_default: bool
) -> inspect.Parameter:
    values = [choice.value for choice in question.choices]
    option = typer.Option(
        f"--{question.key.replace('_', '-')}",
        help=_help(question, questions, show_default=show_default),
        metavar="|".join(values) or "TEXT",
        autocompletion=lambda: values,
        show_default=False,
    )
    return inspect.Parameter(
        question.key,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[str | None, option],
    )


def _help(question: Question, questions: Sequence[Question], *, show_default: bool) -> str:
    flags = [f"--{key} {choice}" for key, choice in not_asked_with(question, questions)]
    exceptions = f" Not with {listed(flags, 'or')}." if flags else ""
    has_default = show_default and question.has_fixed_default
    default = f" [default: {question.default}]" if has_default else ""
    return f"{question.help}{exceptions}{default}"
