"""Checks passwords, slowly on purpose: whoever steals the hashes can try few."""

import secrets
import unicodedata
from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from pwdlib import PasswordHash

from app.errors import ApiError

MIN_CHARS = 8
MAX_BYTES = 1024
"""Bounds the work for one password; nobody types that much."""

AT_ONCE = 2
"""Each takes 64 MiB and, on several cores, a tenth of a second."""
MAX_QUEUE = 50
"""A longer queue would outlast the patience of those at its end."""

Result = TypeVar("Result")


class Passwords:
    """Hashes passwords with argon2 in threads, a few at a time."""

    def __init__(self) -> None:
        self._hasher = PasswordHash.recommended()
        self._limiter = CapacityLimiter(AT_ONCE)
        self._queued = 0
        self._nobodys = self._hasher.hash(secrets.token_hex())

    async def hash(self, password: str) -> str:
        """Return what to store instead of the password.

        Raises:
            ApiError: 503, too many passwords are waiting.
        """
        return await self._in_thread(lambda: self._hasher.hash(password))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Return whether the password is the one that was hashed.

        Args:
            password: What somebody entered.
            stored: The hash, or None if there is no account: the work is then the same, so that
                the time does not tell.

        Raises:
            ApiError: 503, too many passwords are waiting.
        """
        compared = self._nobodys if stored is None else stored
        right = await self._in_thread(lambda: self._hasher.verify(password, compared))
        return right and stored is not None

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        if self._queued >= MAX_QUEUE:
            message = "Too many people are signing in; try again in a few seconds."
            raise ApiError(503, "busy", message, {"Retry-After": "5"})
        self._queued += 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._queued -= 1


def normalized_password(password: str) -> str:
    """Return the password as every keyboard types it: some send `é` as two characters.

    Raises:
        ApiError: 400, it is too long.
    """
    normalized = unicodedata.normalize("NFC", password)
    if len(normalized.encode()) > MAX_BYTES:
        message = f"A password may have at most {MAX_BYTES} bytes."
        raise ApiError(400, "password_too_long", message)
    return normalized
