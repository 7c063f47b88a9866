"""Keeps conversations in Redis, or in Valkey."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pydantic import Field, SecretStr, field_validator
from redis.asyncio import Connection
from redis.asyncio.connection import parse_url
from redis.exceptions import ConnectionError as RedisConnectionError

from app.base import ChatStore, StoreUnavailableError
from app.common_settings import CommonSettings
from app.errors import StartupError
from app.leases import Leases
from app.redis_store.leases import RedisLeases
from app.redis_store.server import RedisServer
from app.redis_store.store import RedisStore
from app.redis_store.transfer import Link

_EXAMPLE = "redis://user:password@localhost:6379/0"
_URL = re.compile(r"(redis|valkey)s?://[^/]+(/\d*)?(\?.*)?|unix://.+")
_FAULT = "cannot be understood"
_DAY = 24 * 60 * 60 * 1000  # milliseconds


class StoreSettings(CommonSettings):
    """The address of Redis, and how long it keeps threads."""

    redis_url: SecretStr
    """A `redis://` URL, or `rediss://` with TLS, which contains the password."""
    redis_connections: int = Field(default=10, ge=1)
    """Maximum number of connections of each process."""
    redis_timeout: float = Field(default=5, gt=0)
    """How long a request waits for a connection, and then for each operation, in seconds."""
    thread_ttl: float | None = Field(default=None, gt=0, le=36_500)
    """How long a thread is kept after the last change of it, in days; forever by default."""

    @field_validator("redis_url")
    @classmethod
    def require_redis(cls, value: SecretStr) -> SecretStr:
        """Reject anything but a URL for Redis."""
        try:
            connection_options(value.get_secret_value())
        except ValueError as error:
            raise ValueError(f"{error}; use {_EXAMPLE}") from None
        return value

    @property
    def lifetime(self) -> int:
        """How long a thread is kept, in milliseconds; 0: forever."""
        return max(int(self.thread_ttl * _DAY), 1) if self.thread_ttl else 0


@asynccontextmanager
async def open_store(settings: StoreSettings) -> AsyncIterator[ChatStore]:
    """Open a pool of connections; in development, also check that Redis can be used.

    Raises:
        StartupError: In development, Redis cannot be used.
    """
    server = _open_server(settings)
    leases = Leases(RedisLeases(server))
    store = RedisStore(server, leases, settings.lifetime)
    try:
        if settings.app_env == "development":
            await _check(store)
        async with leases.renewing():
            yield store
    finally:
        await server.close()


@asynccontextmanager
async def open_link(settings: StoreSettings) -> AsyncIterator[Link]:
    """Open a pool of connections to export from Redis, or to import."""
    server = _open_server(settings)
    try:
        yield Link(server, settings.lifetime)
    finally:
        await server.close()


def _open_server(settings: StoreSettings) -> RedisServer:
    return RedisServer(
        connection_options(settings.redis_url.get_secret_value()),
        settings.redis_connections,
        settings.redis_timeout,
    )


def connection_options(url: str) -> dict[str, Any]:
    """Return what redis-py connects with.

    Raises:
        ValueError: It cannot use the URL; the text contains no part of it but an option's name.
    """
    if not _URL.fullmatch(url):
        raise ValueError("is not a URL for Redis")
    try:
        options: dict[str, Any] = dict(parse_url(re.sub(r"^valkey", "redis", url)))
        # Connects to nothing yet, but refuses options that it does not know.
        connect = options.get("connection_class", Connection)
        connect(**{name: value for name, value in options.items() if name != "connection_class"})
    except TypeError as error:
        unknown = re.search(r"unexpected keyword argument '(\w+)'", str(error))
        raise ValueError(f"has an unknown option, {unknown[1]}" if unknown else _FAULT) from None
    except Exception as error:
        raise ValueError(_FAULT) from error
    return options


async def _check(store: RedisStore) -> None:
    try:
        await store.ping()
    except StoreUnavailableError as error:
        text = str(error)
        if isinstance(error.__cause__, RedisConnectionError | OSError):
            text = f"{text.rstrip('.')}: {' '.join(str(error.__cause__).split())}"
        raise StartupError(f"REDIS_URL: {text}") from error
