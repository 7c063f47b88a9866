"""Checks passwords, slowly on purpose: whoever steals the hashes can try few."""

import secrets
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
MAX_OF_ADDRESS = 10
"""No address fills the queue alone, not even with right passwords, which have no limit."""

Result = TypeVar("Result")


class Passwords:
    """Hashes passwords with argon2 in threads, a few at a time."""

    def __init__(self) -> None:
        self._hasher = PasswordHash.recommended()
        self._limiter = CapacityLimiter(AT_ONCE)
        self._queue: Counter[str] = Counter()
        self._nobodys = self._hasher.hash(secrets.token_hex())

    @contextmanager
    def place(self, address: str) -> Iterator[None]:
        """Keep a place in the queue, from before an attempt is counted until its end.

        Raises:
            ApiError: 503, too many passwords are waiting, or too many from this address.
        """
        if self._queue.total() >= MAX_QUEUE or self._queue[address] >= MAX_OF_ADDRESS:
            message = "Too many people are signing in; try again in a few seconds."
            raise ApiError(503, "busy", message, {"Retry-After": "5"})
        self._queue[address] += 1
        try:
            yield
        finally:
            self._queue -= Counter([address])  # Keeps no address at zero.

    async def hash(self, password: str) -> str:
        """Return what to store instead of the password."""
        return await self._in_thread(lambda: self._hasher.hash(password))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Return whether the password is the one that was hashed.

        Args:
            password: What somebody entered.
            stored: The hash, or None if there is no account: the work is then the same, so that
                the time does not tell.
        """
        compared = self._nobodys if stored is None else stored
        right = await self._in_thread(lambda: self._hasher.verify(password, compared))
        return right and stored is not None

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await to_thread.run_sync(work, limiter=self._limiter)


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
