"""Exit statuses, and the one place where errors are shown."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from chatkit_scaffold.errors import ScaffoldError

DONE, FAILED, NO_VERDICT = 0, 1, 2
"""All is well; a required check failed; wrong use, no verdict, or a bug of ours."""


@contextmanager
def errors_as_one_line() -> Iterator[None]:
    """Show a `ScaffoldError` as a sentence and a hint on stderr, and exit with status 2."""
    try:
        yield
    except ScaffoldError as error:
        typer.echo(error.as_text(), err=True)
        raise typer.Exit(NO_VERDICT) from error
    except KeyboardInterrupt as error:
        typer.echo("error: Interrupted", err=True)
        raise typer.Exit(NO_VERDICT) from error
