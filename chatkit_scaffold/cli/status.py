"""The `status` command."""

import json
from typing import Annotated

import typer

from chatkit_scaffold.cli.arguments import ProjectFolder
from chatkit_scaffold.generator import source


def status(
    dest: ProjectFolder = None,
    *,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with status 1 if an update is available.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show a project's version, your changes, and any update.

    Writes nothing, and includes uncommitted changes.

    Example: chatkit-scaffold status --exit-code
    """
    # Copier takes 0.8 s to import, which no other command waits for.
    from chatkit_scaffold.update.status import as_dict, as_text
    from chatkit_scaffold.update.status import status as find

    found = find(dest, source.builtin_root())
    typer.echo(
        json.dumps(as_dict(found), indent=2, ensure_ascii=False) if as_json else as_text(found)
    )
    raise typer.Exit(found.exit_status() if exit_code else 0)
