"""The `check` command."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatkit_scaffold.cli.headers import (
    HEADER,
    OTHER_HEADER,
    Url,
    read_headers,
    require_origin,
    url_is_missing,
)
from chatkit_scaffold.cli.tls import CaFile, Insecure, trusted
from chatkit_scaffold.conformance.formats import Format
from chatkit_scaffold.console import print_styled, spinner
from chatkit_scaffold.errors import ScaffoldError

if TYPE_CHECKING:
    from chatkit_scaffold.conformance.report import Report


def check(
    url: Url = "",
    *,
    header: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'NAME: VALUE'",
            help="Header of the test user, such as 'Authorization: Bearer TOKEN' or "
            "'Cookie: session=VALUE'; repeatable. By default, the lines of the environment "
            f"variable {HEADER}.",
        ),
    ] = None,
    other_header: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'NAME: VALUE'",
            help="Header of a second test user, without whom isolation is not checked; repeatable. "
            f"By default, the lines of {OTHER_HEADER}.",
        ),
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option(
            metavar="ORIGIN",
            help="Origin of the page that shows the chat, such as https://example.com, for the "
            "checks of CORS.  [default: http://localhost:3000]",
            show_default=False,
        ),
    ] = None,
    select: Annotated[
        list[str] | None,
        typer.Option(metavar="IDS", help="Run only these ids or families, comma-separated."),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="IDS", help="Skip these ids or families, comma-separated."),
    ] = None,
    read_only: Annotated[
        bool,
        typer.Option(
            "--read-only",
            help="Send nothing that could write, and skip the checks that need to: most of "
            "them, because they look at new threads, not at those that are there.",
        ),
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Treat every SHOULD as a MUST.")] = False,
    timeout: Annotated[
        float,
        typer.Option(
            min=0.1, max=600, metavar="SECONDS", help="Seconds to wait for the server's next byte."
        ),
    ] = 30.0,
    ca_file: CaFile = None,
    insecure: Insecure = False,
    output_format: Annotated[
        Format, typer.Option("--format", metavar="|".join(Format), help="Format of the report.")
    ] = Format.TEXT,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the report to a file.", show_default=False),
    ] = None,
    summary: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also append the report as Markdown to a file, such as $GITHUB_STEP_SUMMARY.",
            show_default=False,
        ),
    ] = None,
    list_checks: Annotated[bool, typer.Option("--list", help="List the checks and exit.")] = False,
    explain: Annotated[
        str | None,
        typer.Option(
            metavar="ID|FAMILY|SYMPTOM",
            help="Explain a check, a family, or a symptom in your own words, and exit.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Check a ChatKit backend and explain how to fix what fails.

    Use a test user, and one at a time: the checks create about 30 threads, change and delete
    them. They touch no other threads, but a faulty backend may. The report lists the threads
    that are left.

    Exit status: 0: all required checks passed; 1: a required check failed; 2: could not check.

    Example: chatkit-scaffold check http://127.0.0.1:8000/chatkit
    """
    if list_checks:
        typer.echo(_listing(), nl=False)
        return
    if explain is not None:
        from chatkit_scaffold.conformance.explain import explain as explanation

        typer.echo(explanation(explain), nl=False)
        return
    if not url:
        raise url_is_missing()
    require_origin(origin)
    from chatkit_scaffold.conformance.suite import run_checks

    with spinner("Connecting") as show:
        report = run_checks(
            url,
            headers=read_headers(header, HEADER),
            other_headers=read_headers(other_header, OTHER_HEADER) or None,
            origin=origin,
            timeout=timeout,
            select=_split(select or []),
            ignore=_split(ignore or []),
            read_only=read_only,
            trusted=trusted(ca_file, insecure=insecure),
            progress=lambda one, number, count: show(f"{number}/{count} {one.id}"),
        )
    _write(report, output_format, output, strict=strict)
    if summary is not None:
        _save(report, Format.MARKDOWN, summary, mode="a", strict=strict)
    raise typer.Exit(report.exit_status(strict=strict))


def _listing() -> str:
    from chatkit_scaffold.conformance.families import REGISTRY

    width = max(len(check_id) for check_id in REGISTRY)
    lines = [f"{one.id:<{width}}  {one.level:<6}  {one.title}" for one in REGISTRY.values()]
    return "\n".join(lines) + "\n"


def _split(words: Sequence[str]) -> list[str]:
    """Split `a,b` and drop empty parts."""
    return [part.strip() for word in words for part in word.split(",") if part.strip()]


def _write(report: "Report", form: Format, output: Path | None, *, strict: bool) -> None:
    from chatkit_scaffold.conformance import formats
    from chatkit_scaffold.conformance.formats.text import styled

    if output is not None:
        _save(report, form, output, mode="w", strict=strict)
    elif form is Format.TEXT:
        print_styled(styled(report, strict=strict))
    else:
        typer.echo(formats.render(report, form, strict=strict), nl=False)


def _save(report: "Report", form: Format, path: Path, *, mode: str, strict: bool) -> None:
    from chatkit_scaffold.conformance import formats

    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write(formats.render(report, form, strict=strict))
    except OSError as error:
        raise ScaffoldError(
            f"The report cannot be written to {path}: {error.strerror}",
            hint="Choose a file in an existing folder that you may write to.",
        ) from None
