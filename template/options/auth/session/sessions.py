"""The sessions of users who have signed in.

The store has a keyed hash of each session's id: whoever reads the store can use none of them.
"""

import hmac
import re
import secrets
import time

from app.base import User
from app.records import Records

_KIND = "sessions"

_ID = re.compile(r"(user_[0-9a-f]{32})\.[\w-]{43}", re.ASCII)
"""The user, and 256 random bits."""

MAX_PER_USER = 100
"""Beyond it, the oldest session ends: a program that signs in again and again fills no disk."""


class Sessions:
    """Begins, finds and ends sessions.

    Args:
        records: Where they are kept.
        secret: The key of the hashes.
        seconds: How long a session lasts.
    """

    def __init__(self, records: Records, secret: str, seconds: float) -> None:
        self._records = records
        self._secret = secret.encode()
        self._seconds = seconds

    async def begin(self, user: User) -> str:
        """Return the id of a new session, which is a secret."""
        session_id = f"{user.id}.{secrets.token_urlsafe(32)}"
        owner, key = self._place(session_id)
        ends_at = time.time() + self._seconds
        await self._records.add(_KIND, owner, key, dict(user.claims), ends_at)
        await self._end_oldest(owner)
        return session_id

    async def find(self, session_id: str) -> User | None:
        """Return the user of a session, or None if there is no such session any more."""
        if _ID.fullmatch(session_id) is None:
            return None
        owner, key = self._place(session_id)
        claims = await self._records.load(_KIND, owner, key)
        return None if claims is None else User(owner, claims)

    async def end(self, session_id: str) -> None:
        """End a session, if there is one."""
        if _ID.fullmatch(session_id) is not None:
            await self._records.delete(_KIND, *self._place(session_id))

    async def end_all(self, user: User) -> None:
        """End all sessions of a user."""
        await self._records.delete_all(_KIND, user.id)

    async def _end_oldest(self, owner: str) -> None:
        """End what a user has too many; others that do so at the same time find the same ones."""
        while True:
            found = await self._records.listed(_KIND, owner, MAX_PER_USER + 1)
            if len(found) <= MAX_PER_USER:
                return
            await self._records.delete(_KIND, owner, found[0][0])

    def _place(self, session_id: str) -> tuple[str, str]:
        """Return the owner and the key of a session's record."""
        owner, _, _ = session_id.partition(".")
        return owner, hmac.digest(self._secret, session_id.encode(), "sha256").hex()
