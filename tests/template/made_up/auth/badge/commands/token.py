"""Print a header that signs USER in, for local work."""

import argparse

from app.auth import HEADER, sign_badge
from app.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows `token` on the command line."""
    parser.add_argument("user", metavar="USER", help="the user's id")


def run(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print the header."""
    print(f"{HEADER}: {sign_badge(arguments.user, settings)}")
