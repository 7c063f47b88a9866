"""Authentication by a signed badge in the `X-Badge` header."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Request
from pydantic import SecretStr

from app.base import Authenticator, ChatStore, User
from app.common_settings import CommonSettings
from app.errors import ApiError

router = APIRouter()
"""Endpoints for signing in: badges come from elsewhere."""

HEADER = "X-Badge"

FETCH_EXAMPLE = """\
fetch: async (input, init) => {
  const headers = new Headers(init?.headers);
  headers.set("X-Badge", await getBadge());
  return fetch(input, { ...init, headers });
},"""
"""What ChatKit's `api` options need for requests to be accepted."""


class AuthSettings(CommonSettings):
    """What badges are signed with."""

    badge_secret: SecretStr
    """Shared with whatever hands out the badges."""


class BadgeReader:
    """Takes the user from a signed badge, and from nowhere else.

    Args:
        settings: The secret.
    """

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings

    async def __call__(self, request: Request) -> User:
        """Return the badge's user; 401 without a valid badge."""
        badge = request.headers.get(HEADER, "")
        user = badge.rpartition(":")[0]
        if not user or not hmac.compare_digest(
            badge.encode(), sign_badge(user, self._settings).encode()
        ):
            message = f"Send a valid badge: `{HEADER}: USER:SIGNATURE`."
            raise ApiError(401, "unauthorized", message, {"WWW-Authenticate": "Badge"})
        return User(user)


@asynccontextmanager
async def open_auth(settings: AuthSettings, store: ChatStore) -> AsyncIterator[Authenticator]:
    """Build the authentication; there is nothing to close."""
    yield BadgeReader(settings)


def sign_badge(user: str, settings: AuthSettings) -> str:
    """Return the badge of *user*: the id, a colon and the signature."""
    secret = settings.badge_secret.get_secret_value().encode()
    return f"{user}:{hmac.new(secret, user.encode(), hashlib.sha256).hexdigest()}"
