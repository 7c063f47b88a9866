"""Manage the accounts of users."""

import argparse
import asyncio
import getpass
import sys

from app.accounts import Accounts, normalized_email
from app.base import StoreUnavailableError, User
from app.errors import ApiError, StartupError
from app.passwords import Passwords
from app.records import records_of
from app.settings import Settings
from app.store import open_store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows `user` on the command line."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    add = actions.add_parser("add", help="create an account; asks for its password, or reads it")
    add.add_argument("email", metavar="EMAIL", help="the address that the user signs in with")


def run(settings: Settings, arguments: argparse.Namespace) -> None:
    """Create an account.

    Raises:
        StartupError: The address or the password is not accepted, or the store cannot be used.
    """
    try:
        user = asyncio.run(create(settings, arguments.email))
    except (ApiError, StoreUnavailableError) as error:
        raise StartupError(f"{arguments.email}: {error}") from None
    print(f"{user.claims['email']} can sign in: POST /auth/login")


async def create(settings: Settings, email: str) -> User:
    """Create the account in the store.

    Raises:
        StartupError: The running backend would not see it.
    """
    email = normalized_email(email)
    async with open_store(settings) as store:
        if not store.shared:
            raise StartupError(
                "only the running backend can add users to this store; "
                "create the account there: POST /auth/register"
            )
        return await Accounts(records_of(store), Passwords()).create(email, read_password())


def read_password() -> str:
    """Return the password that is entered twice on the terminal, or is a line of the input.

    Raises:
        StartupError: The two differ, or the input is not text.
    """
    if not sys.stdin.isatty():
        line = sys.stdin.buffer.readline().rstrip(b"\r\n")
        try:
            return line.decode()
        except UnicodeDecodeError:
            raise StartupError("the password on standard input is not UTF-8") from None
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise StartupError("the two passwords differ; try again")
    return password
