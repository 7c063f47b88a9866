"""Gives a command one option per question of the template: `copier.yml` is the only list."""

import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from chatkit_scaffold.options import Question


def with_question_flags(
    questions: Iterable[Question],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Replace a command's `**flags` by an option for every question that may be asked."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command)
        own = [
            parameter
            for parameter in signature.parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        flags = [_flag(question) for question in questions if question.asked]
        parameters = [own[0], *flags, *own[1:]]
        # Typer reads the signature; the command's own one stays as it is for the type checker.
        command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return command

    return decorate


def _flag(question: Question) -> inspect.Parameter:
    values = [choice.value for choice in question.choices]
    option = typer.Option(
        f"--{question.key.replace('_', '-')}",
        help=_help(question),
        metavar="|".join(values) or "TEXT",
        autocompletion=lambda: values,
        rich_help_panel="Answers",
        show_default=False,
    )
    return inspect.Parameter(
        question.key,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[str | None, option],
    )


def _help(question: Question) -> str:
    default: Any = question.default
    # A default that depends on other answers says nothing to a reader.
    told = default is not None and "{" not in str(default)
    return f"{question.help} [default: {default}]" if told else question.help
