"""Fixtures that sign guests in."""

import pytest
from pydantic import SecretStr

from app.auth import AuthSettings, local_token
from tests.backend import Credentials


@pytest.fixture(scope="session")
def headers_for(auth_env: dict[str, str]) -> Credentials:
    """Return a function that signs a guest in."""
    settings = AuthSettings(guest_secret=SecretStr(auth_env["GUEST_SECRET"]))
    return lambda user, url: {"Authorization": f"Bearer {local_token(user, settings)}"}
