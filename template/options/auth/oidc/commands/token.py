"""Print a header that signs USER in, for local work with `python -m tests.issuer`."""

import argparse
import asyncio

from app.local_issuer import local_token
from app.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows `token` on the command line."""
    parser.add_argument("user", metavar="USER", help="the user's id, which becomes `sub`")


def run(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print the header.

    Raises:
        StartupError: The issuer is not a local one for development, or issues no token.
    """
    print(f"Authorization: Bearer {asyncio.run(local_token(arguments.user, settings))}")
