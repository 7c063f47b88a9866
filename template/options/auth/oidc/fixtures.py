"""Fixtures that sign users in, and issuers."""

from collections.abc import Iterator

import pytest

from tests.backend import Credentials
from tests.services.auth import LocalIssuer


@pytest.fixture(scope="session")
def headers_for(auth_service: LocalIssuer) -> Credentials:
    """Return a function that signs a user in."""
    return lambda user, url: {"Authorization": f"Bearer {auth_service.token(sub=user)}"}


@pytest.fixture
def issuer() -> Iterator[LocalIssuer]:
    """An issuer of one test's own, which may rotate its keys, stop and answer with anything."""
    running = LocalIssuer("ES256")
    yield running
    running.stop()
