"""The `play` command."""

from pathlib import Path
from typing import Annotated

import typer

from chatkit_scaffold.cli.headers import HEADER, OTHER_HEADER, Url, read_headers, url_is_missing
from chatkit_scaffold.cli.tls import CaFile, Insecure, trusted

NoOpen = Annotated[
    bool, typer.Option("--no-open", help="Print the address, but do not open the browser.")
]


def play(
    url: Url = "",
    *,
    header: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'NAME: VALUE'",
            help="Header of the user, such as 'Authorization: Bearer TOKEN' or "
            "'Cookie: session=VALUE'; repeatable. By default, the lines of the environment "
            f"variable {HEADER}.",
        ),
    ] = None,
    other_header: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'NAME: VALUE'",
            help="Header of a second user, for a second tab; repeatable. By default, the lines of "
            f"{OTHER_HEADER}.",
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            help="Port of the page; 0 for any free one.",
        ),
    ] = 0,
    no_open: NoOpen = False,
    ca_file: CaFile = None,
    insecure: Insecure = False,
) -> None:
    """Chat with a ChatKit backend in the browser, and see every request and event.

    Serves a page on this machine until you press Ctrl+C. Whoever knows the page's address can use
    the credentials that you pass, so keep it to yourself.

    Example: chatkit-scaffold play http://127.0.0.1:8000/chatkit --no-open
    """
    if not url:
        raise url_is_missing()
    serve(
        url,
        headers=read_headers(header, HEADER),
        other_headers=read_headers(other_header, OTHER_HEADER),
        ca_file=ca_file,
        insecure=insecure,
        port=port,
        opens=not no_open,
    )


def serve(
    url: str,
    *,
    headers: dict[str, str],
    other_headers: dict[str, str],
    opens: bool,
    port: int = 0,
    ca_file: Path | None = None,
    insecure: bool = False,
) -> None:
    """Serve the page and print its address; see `play.server.prepared`."""
    # Takes a while to import, which no other command waits for.
    from chatkit_scaffold.play import server
    from chatkit_scaffold.protocol.url import shown_url

    is_there = server.listens(url)
    with (
        server.prepared(
            url,
            headers=headers,
            other_headers=other_headers,
            trusted=trusted(ca_file, insecure=insecure),
            port=port,
        ) as (address, running),
        server.ended_by_ctrl_c(running),
    ):
        typer.echo(f"Chat with {shown_url(url)} at {address}")
        if not is_there:
            typer.echo(f" note: nothing listens at {shown_url(url)} yet", err=True)
        typer.echo(" note: press Ctrl+C to stop", err=True)
        if opens:
            server.open_browser(address)
        running.run()
