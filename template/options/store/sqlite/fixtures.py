"""Empty database files for the tests."""

from collections.abc import Callable

import pytest


@pytest.fixture(scope="session")
def new_store(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], dict[str, str]]:
    """Return a function that returns the environment of an empty store."""
    return lambda: {"DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('store')}/chatkit.db"}
