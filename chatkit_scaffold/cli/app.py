"""The `chatkit-scaffold` program: its commands, and how it handles their errors."""

import signal
import sys
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from chatkit_scaffold import __version__
from chatkit_scaffold.cli import check, new, options, play, status, update
from chatkit_scaffold.cli.flags import Function, command_with_flags, without_flags
from chatkit_scaffold.cli.guard import NO_VERDICT, errors_as_one_line
from chatkit_scaffold.console import tolerate_any_encoding
from chatkit_scaffold.generator import source
from chatkit_scaffold.generator.questions import read_questions

_TAKE_ANSWERS: dict[str, Function] = {"new": new.new, "update": update.update}
"""Commands with an option for each question of the template."""


class _Group(TyperGroup):
    """Shows errors in one line, and reads the template only for commands that need it."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        if name in _TAKE_ANSWERS:
            command = _with_answers(name)
        return name, command, rest

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with errors_as_one_line():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with errors_as_one_line():
            return super().invoke(ctx)


def _with_answers(name: str) -> TyperCommand:
    questions = read_questions(source.builtin_root())
    # An update keeps the project's answers.
    return command_with_flags(_TAKE_ANSWERS[name], questions, show_defaults=name == "new")


app = typer.Typer(
    cls=_Group,
    help="Create ChatKit backends in Python; check any ChatKit backend, and chat with it.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("new")(without_flags(new.new))
app.command("update")(without_flags(update.update))
app.command("status")(status.status)
app.command("options")(options.list_options)
app.command("matrix")(options.matrix)
app.command("check")(check.check)
app.command("play")(play.play)


def main() -> None:
    """Run the program; every error except a failed check exits with status 2."""
    # An orderly exit removes a half-made project and stops a backend that was started.
    signal.signal(signal.SIGTERM, _exit)
    tolerate_any_encoding()
    try:
        app()
    except Exception:  # noqa: BLE001 - a bug of ours is no verdict, and a report needs the place
        import traceback

        traceback.print_exc()
        typer.echo("error: chatkit-scaffold has a bug; please report the lines above", err=True)
        sys.exit(NO_VERDICT)


def _exit(signal_number: int, frame: FrameType | None) -> None:
    del frame
    sys.exit(128 + signal_number)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chatkit-scaffold {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _common(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    del version
    source.refresh_kept()
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
