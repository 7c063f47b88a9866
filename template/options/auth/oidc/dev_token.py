"""Gives this backend's page a token of the local issuer, in development."""

from fastapi import FastAPI, Request

from app.common_settings import CommonSettings
from app.errors import ApiError, StartupError
from app.local_issuer import local_token
from app.local_page import check_local_page


def add_dev_token(app: FastAPI, settings: CommonSettings) -> None:
    """Pass tokens on, in development only."""
    if settings.app_env == "development":
        app.add_api_route("/dev/token", pass_token, methods=["POST"])


async def pass_token(request: Request) -> dict[str, str]:
    """Return a token for the user that the query names.

    Raises:
        ApiError: 403, it is not this backend's page on this machine that asks; 503, the issuer is
            not a local one, or issues no token.
    """
    check_local_page(request)
    user = request.query_params.get("user", "alice")
    try:
        return {"token": await local_token(user, request.app.state.settings)}
    except StartupError as error:
        raise ApiError(503, "no_token", f"{error}.") from None
