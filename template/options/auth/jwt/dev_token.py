"""Gives this backend's page a token in development; in production, your login signs it."""

from fastapi import FastAPI, Request

from app.auth import local_token
from app.common_settings import CommonSettings
from app.local_page import check_local_page


def add_dev_token(app: FastAPI, settings: CommonSettings) -> None:
    """Issue tokens, in development only."""
    if settings.app_env == "development":
        app.add_api_route("/dev/token", issue_token, methods=["POST"])


async def issue_token(request: Request) -> dict[str, str]:
    """Return a token for the user that the query names.

    Raises:
        ApiError: 403, it is not this backend's page on this machine that asks.
    """
    check_local_page(request)
    user = request.query_params.get("user", "alice")
    return {"token": local_token(user, request.app.state.settings)}
