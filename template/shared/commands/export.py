"""Write everything that the store keeps to standard output."""

import argparse
import asyncio
import os
import sys

from app.entries import Footer
from app.errors import StartupError
from app.sections import open_sections
from app.settings import Settings
from app.transfer import Progress, export_to


def run(settings: Settings, arguments: argparse.Namespace) -> None:
    """Export conversations, and all else that users have in the store.

    Raises:
        StartupError: The store cannot be read, or standard output cannot be written.
    """
    if sys.stdout is None:
        raise StartupError("standard output is closed: python -m app export > FILE")
    try:
        footer = asyncio.run(export(settings))
    except KeyboardInterrupt:
        sys.exit("error: interrupted; the file is not complete")
    except BrokenPipeError:
        # Python would flush what nobody reads once more, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    counts = ", ".join(f"{count:,} {name}" for name, count in footer.counts.items())
    sys.stderr.write(f"Exported {counts}; digest {footer.digest}\n")


async def export(settings: Settings) -> Footer:
    """Open the store, and export it."""
    async with open_sections(settings) as sections:
        return await export_to(sys.stdout.buffer, sections, Progress(sys.stderr))
