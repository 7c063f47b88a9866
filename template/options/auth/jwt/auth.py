"""Authentication by a signed token (JWT, HS256) in the `Authorization` header."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import jwt
from fastapi import APIRouter, Request
from pydantic import SecretStr, field_validator

from app.base import Authenticator, ChatStore, User
from app.common_settings import CommonSettings
from app.errors import ApiError, StartupError

router = APIRouter()
"""Endpoints for signing in: your login has them."""

ALGORITHM = "HS256"

FETCH_EXAMPLE = """\
fetch: async (input, init) => {
  const headers = new Headers(init?.headers);
  headers.set("Authorization", `Bearer ${await getToken()}`);
  return fetch(input, { ...init, headers });
},"""
"""What ChatKit's `api` options need for requests to be accepted."""

MIN_SECRET_BYTES = 32
"""HS256 needs a key at least as long as its hash (RFC 7518, section 3.2)."""

_LEEWAY = timedelta(seconds=10)
"""How far the signing service's clock may differ from ours."""


class AuthSettings(CommonSettings):
    """What a token must look like."""

    jwt_secret: SecretStr
    """Shared with the service that signs the tokens."""
    jwt_issuer: str | None = None
    """If set, `iss` must be this."""
    jwt_audience: str | None = None
    """If set, `aud` must be or contain this; if not, a token must not have one."""

    @field_validator("jwt_secret")
    @classmethod
    def refuse_short_secret(cls, secret: SecretStr) -> SecretStr:
        """Reject a secret that could be guessed."""
        if len(secret.get_secret_value().encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"needs at least {MIN_SECRET_BYTES} bytes; try `openssl rand -hex 32`")
        return secret


class TokenBearer:
    """Takes the user from the token's `sub`, and from nowhere else.

    Args:
        settings: What a token must look like.
    """

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings

    async def __call__(self, request: Request) -> User:
        """Return the token's user; reject a request without a valid token (401)."""
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        token = credentials.strip()
        if scheme.lower() != "bearer":
            raise unauthorized("Send a token: `Authorization: Bearer …`.")
        try:
            claims = jwt.decode(
                token,
                self._settings.jwt_secret.get_secret_value(),
                algorithms=[ALGORITHM],
                issuer=self._settings.jwt_issuer,
                audience=self._settings.jwt_audience,
                leeway=_LEEWAY,
                options={"require": ["exp", "sub"]},
            )
        except jwt.InvalidTokenError:
            # The reason would help to forge a token.
            raise unauthorized("The token is not valid.") from None
        user_id: str = claims["sub"]
        if not user_id or len(user_id) > 255 or not user_id.isprintable():
            raise unauthorized("The token is not valid.")
        return User(user_id, claims, token)


def unauthorized(message: str) -> ApiError:
    """Return the error for a request that does not prove who sent it."""
    return ApiError(401, "unauthorized", message, {"WWW-Authenticate": "Bearer"})


@asynccontextmanager
async def open_auth(settings: AuthSettings, store: ChatStore) -> AsyncIterator[Authenticator]:
    """Build the authentication; there is nothing to close."""
    yield TokenBearer(settings)


def local_token(user: str, settings: AuthSettings, *, hours: float = 12) -> str:
    """Return a token for *user*, for work on your own machine.

    Args:
        user: The user's id.
        settings: The secret, and the issuer and audience if they are required.
        hours: How long the token is valid.

    Raises:
        StartupError: In production, where your login signs the tokens.
    """
    if settings.app_env == "production":
        raise StartupError("APP_ENV=production does not issue tokens from the command line")
    claims: dict[str, object] = {"sub": user, "exp": datetime.now(UTC) + timedelta(hours=hours)}
    if settings.jwt_issuer is not None:
        claims["iss"] = settings.jwt_issuer
    if settings.jwt_audience is not None:
        claims["aud"] = settings.jwt_audience
    return jwt.encode(claims, settings.jwt_secret.get_secret_value(), ALGORITHM)
