"""The options about certificates, for commands that send requests."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ssl import SSLContext

CaFile = Annotated[
    Path | None,
    typer.Option(
        "--ca-file",
        metavar="FILE",
        help="Trust the TLS certificates in this PEM file, too.",
        show_default=False,
    ),
]
Insecure = Annotated[bool, typer.Option("--insecure", help="Trust any TLS certificate.")]


def trusted(ca_file: Path | None, *, insecure: bool) -> "SSLContext | None":
    """Return whose certificates to trust; None for the default, which plain HTTP need not load."""
    if ca_file is None and not insecure:
        return None
    from chatkit_scaffold.protocol.tls import trust

    return trust(ca_file=ca_file, insecure=insecure)
