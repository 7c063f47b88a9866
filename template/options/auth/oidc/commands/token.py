"""Print a header that signs USER in, for local work with `python -m tests.issuer`."""

import argparse
import asyncio

import httpx2

from app.errors import StartupError
from app.issuer import DEADLINE, IssuerError, is_loopback, open_issuer
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


async def local_token(user: str, settings: Settings) -> str:
    """Ask the local issuer for a token, as a client of this name.

    Raises:
        StartupError: The issuer is not a local one for development, or issues no token.
    """
    issuer = settings.oidc_issuer
    if settings.app_env != "development" or not is_loopback(issuer):
        raise StartupError(
            f"OIDC_ISSUER={issuer} is not a local issuer for development: "
            "sign in on your page, and use the token that it gets"
        )
    try:
        async with open_issuer(issuer, None, allow_http=True) as opened:
            endpoint = await opened.endpoint("token_endpoint")
        form = {
            "grant_type": "client_credentials",
            "client_id": user,
            "audience": settings.oidc_audience,
        }
        async with httpx2.AsyncClient(timeout=DEADLINE) as client:
            response = await client.post(endpoint, data=form)
        response.raise_for_status()
        return str(response.json()["access_token"])
    except (IssuerError, httpx2.HTTPError, LookupError, TypeError, ValueError) as error:
        raise StartupError(
            f"OIDC_ISSUER={issuer} issues no token ({error}); "
            "start the local one: uv run python -m tests.issuer"
        ) from None
