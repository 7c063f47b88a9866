"""The `new` command."""

import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatkit_scaffold.cli.guard import DONE
from chatkit_scaffold.cli.play import NoOpen, serve
from chatkit_scaffold.console import print_styled, spinner
from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.generator import answers, destination, questions, source
from chatkit_scaffold.text import listed

if TYPE_CHECKING:
    from chatkit_scaffold.conformance.report import Report
    from chatkit_scaffold.generator.project import Project


def new(
    dest: Annotated[
        str, typer.Argument(metavar="DEST", help="Folder to create; must be new or empty.")
    ],
    *,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Use the defaults instead of prompting.")
    ] = False,
    answers_file: Annotated[
        Path | None,
        typer.Option("--answers", metavar="FILE", help="Read answers from a YAML file."),
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
        str | None,
        typer.Option(
            metavar="REF",
            help="Version of the template; of another template, a tag, branch or commit.",
        ),
    ] = None,
    git: Annotated[
        bool | None,
        typer.Option(
            "--git/--no-git",
            help="Initialize git and commit (needed for updates). "
            "[default: yes, unless DEST is inside a repository]",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Install and start the backend, and check it.")
    ] = False,
    play: Annotated[
        bool,
        typer.Option(
            "--play", help="Install and start the backend, and chat with it in the browser."
        ),
    ] = False,
    no_open: NoOpen = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON, without prompting.")
    ] = False,
    **flags: str | None,
) -> None:
    """Create a ChatKit backend in DEST.

    Prompts for anything you don't pass. Without a terminal, uses the defaults.

    Example: chatkit-scaffold new support-bot --store sqlite --defaults
    """
    if play and as_json:
        raise ScaffoldError(
            "--play runs until you press Ctrl+C, so --json has no result to print",
            hint="Pass one of them; chatkit-scaffold play opens a backend that runs already.",
        )
    chosen = source.choose(template, ref)
    known = questions.read_questions(source.builtin_root()) if chosen.builtin else None
    given = answers.gather(known, flags=flags, data=data or [], file=answers_file)
    if check or play:
        from chatkit_scaffold.launcher import require_uv

        require_uv()
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    prompt = terminal and not (defaults or as_json)

    # Copier takes 0.8 s to import, which no other command waits for.
    from chatkit_scaffold.generator.project import create

    project = create(destination.absolute(dest), chosen, given, ask=prompt, use_git=git)
    if not (terminal or defaults or as_json):
        _note_defaults(project.rendered.answers, given, known or ())
    for note in project.notes:
        typer.echo(f" note: {note}", err=True)
    if check or play:
        _note_services(project)
    report = _verify(project, as_json=as_json) if check else None
    _print(project, report, as_json=as_json)
    if play:
        _play(project, opens=not no_open)
    raise typer.Exit(report.exit_status() if report else DONE)


def _note_defaults(
    recorded: Mapping[str, Any], given: Mapping[str, Any], known: Iterable[questions.Question]
) -> None:
    """Show which defaults were used because there is no terminal to prompt at."""
    obvious = {question.key for question in known if not question.has_fixed_default}
    used = [f"{key} {value}" for key, value in recorded.items() if key not in {*given, *obvious}]
    if used:
        typer.echo(f" note: no terminal to prompt at, used {listed(used, 'and')}", err=True)


def _note_services(project: "Project") -> None:
    """Show which variables are not set."""
    from chatkit_scaffold.verify import unset

    if missing := unset(project.needed):
        verb = "is" if len(missing) == 1 else "are"
        typer.echo(
            f" note: {listed(missing, 'and')} {verb} not set, so the backend uses services of the "
            "project's tests",
            err=True,
        )


def _verify(project: "Project", *, as_json: bool) -> "Report":
    from chatkit_scaffold.verify import verify

    try:
        return verify(project.path, project.needed)
    except ScaffoldError:
        # The project exists now, so its owner needs the next commands all the same.
        _print(project, None, as_json=as_json)
        raise


def _play(project: "Project", *, opens: bool) -> None:
    """Install and start the backend, and serve the page for it until Ctrl+C."""
    from chatkit_scaffold.verify import install, running

    install(project.path)
    with ExitStack() as stack:
        with spinner("Starting the backend"):
            backend = stack.enter_context(running(project.path, project.needed))
        serve(
            backend.url,
            headers=backend.headers,
            other_headers=backend.other_headers,
            opens=opens,
        )


def _print(project: "Project", report: "Report | None", *, as_json: bool) -> None:
    if as_json:
        result = {**project.as_dict(), "check": report.summary() if report else None}
        typer.echo(json.dumps(result, indent=2, ensure_ascii=False))
        return
    if report:
        from chatkit_scaffold.conformance.formats.text import styled

        print_styled(styled(report))
    typer.echo(project.as_text())
