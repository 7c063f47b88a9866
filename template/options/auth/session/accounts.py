"""The accounts of users, by e-mail address."""

import secrets

from email_validator import EmailNotValidError, validate_email

from app.base import User
from app.errors import ApiError
from app.passwords import MIN_CHARS, Passwords, normalized_password
from app.records import Records

_KIND = "accounts"
_KEY = "account"


class Accounts:
    """Creates accounts, and finds the one that belongs to an address and a password.

    Args:
        records: Where they are kept; passwords only as hashes.
        passwords: Hashes the passwords.
    """

    def __init__(self, records: Records, passwords: Passwords) -> None:
        self._records = records
        self._passwords = passwords

    async def create(self, email: str, password: str) -> User:
        """Create an account; of several requests for one address, one succeeds.

        Raises:
            ApiError: 400, the password is too short or too long; 409, the address has an account.
        """
        password = normalized_password(password)
        if len(password) < MIN_CHARS:
            message = f"A password needs at least {MIN_CHARS} characters."
            raise ApiError(400, "password_too_short", message)
        account = {
            "id": f"user_{secrets.token_hex(16)}",
            "password": await self._passwords.hash(password),
        }
        if not await self._records.add(_KIND, email, _KEY, account):
            raise ApiError(409, "email_taken", "There is an account with this e-mail address.")
        return User(account["id"], {"email": email})

    async def find(self, email: str, password: str) -> User | None:
        """Return the user, or None if the address or the password, as normalized, is wrong."""
        account = await self._records.load(_KIND, email, _KEY)
        stored = account["password"] if account is not None else None
        if not await self._passwords.verify(password, stored) or account is None:
            return None
        return User(account["id"], {"email": email})


def normalized_email(email: str) -> str:
    """Return the address as accounts know it: mail services do not tell `A` from `a`.

    Raises:
        ApiError: 400, it is not an e-mail address.
    """
    try:
        found = validate_email(email, check_deliverability=False)
    except EmailNotValidError:
        raise ApiError(400, "invalid_email", "This is not an e-mail address.") from None
    return found.normalized.lower()
