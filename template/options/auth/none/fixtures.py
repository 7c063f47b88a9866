"""Fixtures for requests without credentials."""

import pytest

from tests.backend import Credentials


@pytest.fixture(scope="session")
def headers_for() -> Credentials:
    """Return the headers that sign a user in: none, there is one user."""
    return lambda user, url: {}
