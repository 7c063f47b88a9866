"""Print a header that signs a guest in, for local work."""

import argparse

from app.auth import local_token
from app.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows `token` on the command line."""
    parser.add_argument("user", metavar="USER", help="the guest's id")


def run(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print the header.

    Raises:
        StartupError: In production, where guests get their identities from the backend.
    """
    print(f"Authorization: Bearer {local_token(arguments.user, settings)}")
