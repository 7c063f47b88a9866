"""Exit statuses, and the one place where errors are shown."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.text import shorten

_UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""What Typer raises for an unknown command, option or value; it exports only this subclass."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
"""What may happen to any file that any command writes, temporary ones included."""

DONE, NO_VERDICT = 0, 2
"""All is well; wrong use, no verdict, or a bug of ours. A report has the status of its checks."""


@contextmanager
def errors_as_one_line() -> Iterator[None]:
    """Show an error as a sentence and a hint on stderr, and exit with status 2."""
    try:
        yield
    except (ScaffoldError, _UsageError, KeyboardInterrupt) as error:
        typer.echo(_as_text(error), err=True)
        raise typer.Exit(NO_VERDICT) from error
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        typer.echo(_no_room(error).as_text(), err=True)
        raise typer.Exit(NO_VERDICT) from error


def _no_room(error: OSError) -> ScaffoldError:
    what = shorten(str(error.filename or "A temporary file"))
    return ScaffoldError(
        f"{what} cannot be written: {error.strerror}",
        hint="Free some space, or set TMPDIR to a folder with more.",
    )


def _as_text(error: BaseException) -> str:
    match error:
        case ScaffoldError():
            return error.as_text()
        case KeyboardInterrupt():
            return "error: Interrupted"
        case _:
            return _usage_as_text(error)


def _usage_as_text(error: Any) -> str:
    # pydantic, which Typer parses values with, begins some messages with these words.
    message = error.format_message().replace("Value error, ", "").rstrip(".")
    command = error.ctx.command_path if error.ctx else "chatkit-scaffold"
    return f"error: {message}\n hint: See {command} --help."
