"""Asks the local issuer, `python -m tests.issuer`, for tokens."""

import httpx2

from app.auth import AuthSettings
from app.errors import StartupError
from app.issuer import DEADLINE, IssuerError, is_loopback, open_issuer


async def local_token(user: str, settings: AuthSettings) -> str:
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
