"""Checks passwords, slowly on purpose: whoever steals the hashes can try few."""

import secrets
import unicodedata

from anyio import CapacityLimiter, to_thread
from pwdlib import PasswordHash

from app.errors import ApiError

MIN_CHARS = 8
MAX_BYTES = 1024
"""Bounds the work for one password; nobody types that much."""

AT_ONCE = 2
"""Each takes 64 MiB and, on several cores, a tenth of a second."""
MAX_WAITING = 50
"""Longer queues would outlast the patience of those at their end."""


class Passwords:
    """Hashes passwords with argon2 in threads, a few at a time."""

    def __init__(self) -> None:
        self._hasher = PasswordHash.recommended()
        self._limiter = CapacityLimiter(AT_ONCE)
        self._nobodys = self._hasher.hash(secrets.token_hex())

    async def hash(self, password: str) -> str:
        """Return what to store instead of the password.

        Raises:
            ApiError: 503, too many passwords are waiting.
        """
        self._check_queue()
        return await to_thread.run_sync(self._hasher.hash, password, limiter=self._limiter)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Return whether the password is the one that was hashed.

        Args:
            password: What somebody entered.
            stored: The hash, or None if there is no account: the work is then the same, so that
                the time does not tell.

        Raises:
            ApiError: 503, too many passwords are waiting.
        """
        self._check_queue()
        right = await to_thread.run_sync(
            self._hasher.verify, password, stored or self._nobodys, limiter=self._limiter
        )
        return right and stored is not None

    def _check_queue(self) -> None:
        if self._limiter.statistics().tasks_waiting >= MAX_WAITING:
            message = "Too many people are signing in; try again in a few seconds."
            raise ApiError(503, "busy", message, {"Retry-After": "5"})


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
