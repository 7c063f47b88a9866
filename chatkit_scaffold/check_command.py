"""The `check` command: parse, run, print, exit."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add `check` to a command line."""
    app.command()(check)


def check(
    url: Annotated[str, typer.Argument(help="The ChatKit endpoint.", show_default=False)] = "",
    *,
    header: Annotated[
        list[str] | None,
        typer.Option(help="A header of the first user, credentials for example; repeat it."),
    ] = None,
    other_header: Annotated[
        list[str] | None,
        typer.Option(help="A header of a second user; without one, isolation is not checked."),
    ] = None,
    origin: Annotated[
        str | None, typer.Option(help="Origin of the page that shows the chat.")
    ] = None,
    select: Annotated[
        list[str] | None, typer.Option(help="Run these ids or families only; commas allowed.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Leave these ids or families out.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail on a SHOULD as well.")] = False,
    timeout: Annotated[
        float, typer.Option(min=0.1, max=600, help="Seconds that the server may be silent.")
    ] = 30.0,
    output_format: Annotated[
        str, typer.Option("--format", help="text, json, junit or github.")
    ] = "text",
    output: Annotated[
        Path | None, typer.Option(help="Write the report to this file.", show_default=False)
    ] = None,
    list_checks: Annotated[bool, typer.Option("--list", help="List the checks and exit.")] = False,
    explain: Annotated[
        str, typer.Option(help="Explain a check, or a symptom in your own words.")
    ] = "",
) -> None:
    """Tell what is wrong with the ChatKit backend at URL, and how to mend it.

    Exit status: 0 nothing required failed, 1 something did, 2 no verdict.

    Example: chatkit-scaffold check http://127.0.0.1:8000/chatkit
    """
    from chatkit_scaffold import check_session
    from chatkit_scaffold.checks.explain import explain as explanation

    if list_checks:
        typer.echo(check_session.listing(), nl=False)
    elif explain:
        typer.echo(explanation(explain), nl=False)
    else:
        session = check_session.CheckSession(
            url=url,
            headers=check_session.parse_headers(header or []),
            other_headers=check_session.parse_headers(other_header or []),
            origin=origin,
            select=check_session.split(select or []),
            ignore=check_session.split(ignore or []),
            strict=strict,
            timeout=timeout,
            output_format=output_format,
            output=output,
        )
        raise typer.Exit(session.run())
