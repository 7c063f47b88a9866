"""Fixtures that sign users in."""

import pytest
from pydantic import SecretStr

from app.auth import HEADER, AuthSettings, sign_badge
from tests.backend import Credentials


@pytest.fixture(scope="session")
def headers_for(auth_env: dict[str, str]) -> Credentials:
    """Return a function that signs a user in."""
    settings = AuthSettings(badge_secret=SecretStr(auth_env["BADGE_SECRET"]))
    return lambda user, url: {HEADER: sign_badge(user, settings)}
