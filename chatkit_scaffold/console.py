"""The terminal: results on stdout, everything else on stderr.

Rich decides about color (`NO_COLOR`, `FORCE_COLOR`, `TERM`) and knows a terminal from a file. It
takes 80 ms to import, so only functions that show something import it.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

ShowStep = Callable[[str], None]


def tolerate_any_encoding() -> None:
    """Escape characters that a terminal or file cannot encode, instead of failing on them."""
    for stream in (sys.stdout, sys.stderr):
        # Streams that a test or an embedding program has replaced may have no encoding.
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")


def print_styled(text: "Text") -> None:
    """Print to stdout, in color if it is a terminal; long lines are left to the terminal."""
    from rich.console import Console

    Console(highlight=False, emoji=False, markup=False).print(text, soft_wrap=True)


@contextmanager
def spinner(text: str) -> Iterator[ShowStep]:
    """Show *text* with a spinner on stderr while the block runs, if stderr is a terminal.

    Yields:
        A function that replaces the text.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    # The stream of this moment: Copier replaces stderr while it runs.
    with Console(file=sys.stderr).status(text) as status:
        yield status.update
