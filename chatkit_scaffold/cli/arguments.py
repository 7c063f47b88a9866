"""Arguments that several commands have."""

from typing import Annotated

import typer

ProjectFolder = Annotated[
    str | None,
    typer.Argument(
        metavar="DEST",
        help="The project's folder. [default: the project around the current folder]",
        show_default=False,
    ),
]
"""A folder of a project, or none for the one that the command is used in."""
