"""The command line: parses, calls one function, prints, and ends with a status."""

import json
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from chatkit_scaffold import (
    __version__,
    answers,
    check_command,
    destination,
    listing,
    options,
    source,
)
from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.flags import with_question_flags

DONE, FAILED, NO_VERDICT = 0, 1, 2


@contextmanager
def errors_as_one_line() -> Iterator[None]:
    """Show one of our errors as a sentence and a hint on stderr, and end with status 2."""
    try:
        yield
    except ScaffoldError as error:
        typer.echo(error.as_text(), err=True)
        raise typer.Exit(NO_VERDICT) from error
    except KeyboardInterrupt as error:
        typer.echo("error: Stopped", err=True)
        raise typer.Exit(NO_VERDICT) from error


class _Group(TyperGroup):
    """Runs every command with `errors_as_one_line` around it."""

    def invoke(self, ctx: Any) -> Any:
        with errors_as_one_line():
            return super().invoke(ctx)


app = typer.Typer(
    cls=_Group,
    help="Make ChatKit backends in Python, and find out what is wrong with any other.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command; whatever goes wrong, a check that failed apart, ends with status 2."""
    # Ending in order removes what is half made, and stops a backend that was started.
    signal.signal(signal.SIGTERM, _end)
    try:
        app()
    except Exception:  # noqa: BLE001 - a fault of ours is no verdict, and a report needs the place
        traceback.print_exc()
        typer.echo("error: chatkit-scaffold itself failed; please report the lines above", err=True)
        sys.exit(NO_VERDICT)


def _end(signal_number: int, frame: FrameType | None) -> None:
    del frame
    sys.exit(128 + signal_number)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chatkit-scaffold {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and end.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    del version


@app.command()
@with_question_flags(options.read_questions(source.builtin_root()))
def new(
    dest: Annotated[
        str, typer.Argument(metavar="DEST", help="Folder to create; must be new or empty.")
    ],
    *,
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing.")] = False,
    answers_file: Annotated[
        Path | None,
        typer.Option("--answers", metavar="FILE", help="Take answers from a YAML file."),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", metavar="KEY=VALUE", help="Answer one question; repeatable."),
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(metavar="SRC", help="Another template: a git folder, bundle or address."),
    ] = None,
    ref: Annotated[
        str | None, typer.Option(metavar="REF", help="Tag, branch or commit of the template.")
    ] = None,
    git: Annotated[
        bool | None,
        typer.Option(
            "--git/--no-git",
            help="Make a repository with a first commit, which updating needs; the default "
            "is yes, unless DEST lies in a repository.",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Install it, start it, and check that it is right.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Ask nothing, and print the result as JSON.")
    ] = False,
    **flags: str | None,
) -> None:
    """Create a ChatKit backend in DEST.

    At a terminal, what is not given is asked; otherwise the defaults are taken.

    Example: chatkit-scaffold new support-bot --store sqlite --defaults
    """
    chosen = source.choose(template, ref)
    questions = options.read_questions(source.builtin_root()) if chosen.builtin else None
    given = answers.gather(questions, flags=flags, data=data or [], file=answers_file)
    ask = not (defaults or as_json) and sys.stdin.isatty() and sys.stdout.isatty()

    # Copier takes 0.8 s to import and the checks 0.4 s: no other command waits for them.
    from chatkit_scaffold.project import make

    project = make(destination.absolute(dest), chosen, given, ask=ask, use_git=git)
    for note in project.notes:
        typer.echo(f" note: {note}", err=True)
    report = None
    if check:
        from chatkit_scaffold.verify import verify

        report = verify(project.path, project.needed)
    if as_json:
        result = {**project.as_dict(), "check": report.summary() if report else None}
        typer.echo(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        if report:
            from chatkit_scaffold.report_formats import to_text

            typer.echo(to_text(report, color=sys.stdout.isatty()))
        typer.echo(project.as_text())
    raise typer.Exit(report.exit_status() if report else DONE)


@app.command("options")
def list_options(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what can be chosen, and what each choice brings.

    Example: chatkit-scaffold options --json
    """
    root = source.builtin_root()
    show = listing.as_json if as_json else listing.as_text
    typer.echo(show(root, options.read_questions(root)))


@app.command()
def matrix(
    form: Annotated[
        listing.MatrixForm,
        typer.Option("--format", help="github is what a workflow's matrix takes."),
    ] = listing.MatrixForm.TEXT,
) -> None:
    """List every valid combination of choices.

    Example: chatkit-scaffold matrix --format github
    """
    typer.echo(listing.matrix(options.read_questions(source.builtin_root()), form))


check_command.register(app)
