"""Authentication for one local user, without sign-in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Self

from fastapi import APIRouter, Request
from pydantic import Field, model_validator
from pydantic_settings import NoDecode

from app.base import Authenticator, ChatStore, User
from app.common_settings import CommonSettings, Rate
from app.errors import ApiError
from app.senders import is_loopback, senders

LOCAL_USER = User("local")
"""The owner of every thread."""

router = APIRouter()
"""Endpoints for signing in: there are none."""

FETCH_EXAMPLE = ""
"""What ChatKit's `api` options need for requests to be accepted: nothing."""


class AuthSettings(CommonSettings):
    """Keeps a backend without sign-in on this machine."""

    allow_remote: bool = False
    """Listen on other addresses, too, such as in a container that only you can reach."""
    allowed_hosts: Annotated[list[str], NoDecode] = Field(
        default=["localhost", "*.localhost", "127.0.0.1", "[::1]"]
    )
    """A page elsewhere could give this machine a name of its own site; only these are answered."""
    rate_limit: Rate = "0"
    address_rate_limit: Rate = "0"

    @model_validator(mode="after")
    def refuse_remote_access(self) -> Self:
        """Reject settings that would let other people in."""
        if self.app_env == "production":
            raise ValueError("APP_ENV=production needs users who sign in, see app/auth.py")
        if not self.allow_remote and not is_loopback(self.host):
            raise ValueError(
                f"HOST={self.host} lets everyone in as the same user; "
                "set ALLOW_REMOTE=yes if only you can reach it"
            )
        return self


class LocalUser:
    """Treats every request as the local user's.

    Args:
        allow_remote: Whether requests may come from other machines.
    """

    def __init__(self, allow_remote: bool) -> None:
        self._allow_remote = allow_remote

    async def __call__(self, request: Request) -> User:
        """Return the local user; reject other machines (403), whatever the server's address."""
        if not self._allow_remote and not all(map(is_loopback, senders(request))):
            raise ApiError(403, "not_local", "This backend answers its own machine only.")
        return LOCAL_USER


@asynccontextmanager
async def open_auth(settings: AuthSettings, store: ChatStore) -> AsyncIterator[Authenticator]:
    """Build the authentication; there is nothing to close."""
    yield LocalUser(settings.allow_remote)
