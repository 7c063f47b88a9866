"""Empty stores for the tests."""

from collections.abc import Callable

import pytest


@pytest.fixture(scope="session")
def new_store() -> Callable[[], dict[str, str]]:
    """Return a function that returns the environment of an empty store."""
    return dict
