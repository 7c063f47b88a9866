"""Authentication of visitors without accounts, by a signed identity that expires."""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import jwt
from fastapi import APIRouter, Request
from limits.aio.storage import Storage
from pydantic import Field, SecretStr, field_validator
from starlette.responses import JSONResponse

from app.base import Authenticator, ChatStore, User
from app.common_settings import Rate
from app.cookies import SECONDS_PER_DAY, Cookie, CookieSettings, check_page, require_long
from app.errors import ApiError, StartupError
from app.rates import RateLimit, network_of

router = APIRouter(prefix="/auth")

ALGORITHM = "HS256"

FETCH_EXAMPLE = """\
fetch: async (input, init) => {
  await becomeGuest(); // POST /auth/guest, once per page
  // Sends the guest's cookie. To browsers, localhost and 127.0.0.1 are different sites.
  return fetch(input, { ...init, credentials: "include" });
},"""
"""What ChatKit's `api` options need for requests to be accepted."""


class AuthSettings(CookieSettings):
    """How long an identity is valid, and how many one address gets."""

    guest_secret: SecretStr
    """Signs the identities; with another one, all guests are new."""
    guest_ttl: float = Field(default=30, gt=0, le=400)
    """How long an identity is valid, in days; browsers keep a cookie for 400 at most."""
    guest_rate_limit: Rate = "300/hour"
    """New identities for one address, which all visitors in an office may share."""

    @field_validator("guest_secret")
    @classmethod
    def refuse_short_secret(cls, secret: SecretStr) -> SecretStr:
        """Reject a secret that could be guessed."""
        return require_long(secret)


@dataclass(frozen=True, slots=True)
class Identity:
    """What proves who a guest is.

    Attributes:
        user_id: The guest.
        token: The signed proof; a secret.
        expires_at: When it ends, in Unix seconds.
    """

    user_id: str
    token: str
    expires_at: int


class Guests:
    """Takes the user from a signed identity, in the header or in the cookie.

    Args:
        settings: How identities are signed and limited.
        counters: Where new identities are counted.
    """

    def __init__(self, settings: AuthSettings, counters: Storage) -> None:
        self._settings = settings
        self._limit = RateLimit(settings.guest_rate_limit, counters, "guest", "identities")
        self.cookie = Cookie("guest", settings, settings.guest_ttl * SECONDS_PER_DAY)

    async def __call__(self, request: Request) -> User:
        """Return the identity's user; reject a request without a valid identity (401)."""
        token = bearer_token(request)
        if token is None:
            token = self.cookie.value(request)
        if token is None:
            raise unauthorized("Get an identity first: POST /auth/guest.")
        return self._verified(token)

    async def admit(self, request: Request) -> Identity:
        """Return a renewed identity if the request has a valid one, or else a new one.

        Raises:
            ApiError: 401, the request has a bearer token that is not valid any more; 429, the
                address has too many new identities.
        """
        token = bearer_token(request)
        if token is not None:
            return sign(self._verified(token).id, self._settings)
        # An invalid cookie is no reason to refuse: the page cannot take it away.
        try:
            return sign(self._verified(self.cookie.value(request) or "").id, self._settings)
        except ApiError:
            return await self._new(request)

    async def _new(self, request: Request) -> Identity:
        if request.client is not None:
            await self._limit.count(network_of(request.client.host))
        return sign(f"guest_{secrets.token_hex(16)}", self._settings)

    def _verified(self, token: str) -> User:
        try:
            claims = jwt.decode(
                token,
                self._settings.guest_secret.get_secret_value(),
                algorithms=[ALGORITHM],
                options={"require": ["exp", "sub"]},
            )
        except jwt.InvalidTokenError:
            # The reason would help to forge an identity.
            raise unauthorized("The identity is not valid.") from None
        return User(claims["sub"], claims, token)


@router.post("/guest")
async def become_guest(request: Request) -> JSONResponse:
    """Return an identity, as a bearer token and as a cookie: the same user's, if there is one."""
    check_page(request)
    guests: Guests = request.app.state.authenticate
    identity = await guests.admit(request)
    request.state.user = identity.user_id
    response = JSONResponse(
        {
            "user": {"id": identity.user_id},
            "token": identity.token,
            "expires_at": identity.expires_at,
        }
    )
    guests.cookie.set(response, identity.token)
    return response


@asynccontextmanager
async def open_auth(settings: AuthSettings, store: ChatStore) -> AsyncIterator[Authenticator]:
    """Build the authentication; there is nothing to close."""
    yield Guests(settings, store.counters())


def sign(user_id: str, settings: AuthSettings) -> Identity:
    """Return an identity that begins now."""
    expires_at = int(time.time() + settings.guest_ttl * SECONDS_PER_DAY)
    claims = {"sub": user_id, "exp": expires_at}
    token = jwt.encode(claims, settings.guest_secret.get_secret_value(), ALGORITHM)
    return Identity(user_id, token, expires_at)


def local_token(user: str, settings: AuthSettings) -> str:
    """Return the token of a guest called *user*, for work on your own machine.

    Raises:
        StartupError: In production, where guests get their identities from the backend.
    """
    if settings.app_env == "production":
        raise StartupError("APP_ENV=production does not issue identities from the command line")
    return sign(user, settings).token


def bearer_token(request: Request) -> str | None:
    """Return the token in the `Authorization` header, or None if there is none."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


def unauthorized(message: str) -> ApiError:
    """Return the error for a request that does not prove who sent it."""
    return ApiError(401, "unauthorized", message, {"WWW-Authenticate": "Bearer"})
