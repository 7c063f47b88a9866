"""Fixtures that sign users in."""

from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from app.auth import AuthSettings
from app.commands.token import session_cookie
from tests.backend import Credentials


@pytest.fixture(scope="session")
def headers_for(auth_env: dict[str, str]) -> Credentials:
    """Return a function that signs a user in, over HTTP: the backend has the accounts."""
    secret = SecretStr(auth_env["SESSION_SECRET"])

    def sign_in(user: str, url: str) -> dict[str, str]:
        address = urlsplit(url)
        settings = AuthSettings(
            session_secret=secret, host=str(address.hostname), port=int(address.port or 80)
        )
        return {"Cookie": session_cookie(user, settings)}

    return sign_in
