"""Read what `export` has written into an empty store."""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Mapping

from app.base import StoreUnavailableError
from app.errors import StartupError
from app.sections import open_sections
from app.settings import Settings
from app.store import open_store
from app.transfer import Outcome, Progress, import_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows `import` on the command line."""
    parser.add_argument(
        "--resume", action="store_true", help="continue an import that broke off, with its file"
    )


def run(settings: Settings, arguments: argparse.Namespace) -> None:
    """Import standard input, and report what the store cannot keep.

    Raises:
        StartupError: Standard input is not an export, or the store cannot be used.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise StartupError("standard input is not a file: python -m app import < FILE")
    try:
        outcome = asyncio.run(load(settings, resume=arguments.resume))
    except KeyboardInterrupt:
        sys.exit("error: interrupted; go on with: python -m app import --resume < FILE")
    for line in report(outcome):
        sys.stderr.write(f"{line}\n")


async def load(settings: Settings, *, resume: bool) -> Outcome:
    """Open the store, and import into it.

    Raises:
        StartupError: The store cannot be used, or standard input not be imported.
    """
    try:
        async with open_store(settings) as store:
            await store.ping()
    except StoreUnavailableError as error:
        raise StartupError(str(error)) from error
    async with open_sections(settings) as sections:
        return await import_from(sys.stdin.buffer, sections, Progress(sys.stderr), resume=resume)


def report(outcome: Outcome) -> Iterator[str]:
    """Describe what was imported, and what was not."""
    before = f", {outcome.found:,} of them before" if outcome.found else ""
    yield f"Imported {_listed(outcome.counts)}{before}; digest {outcome.digest}"
    if outcome.lost:
        yield f"This store cannot keep: {_listed(outcome.lost)}"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "nothing"
