"""A secret for tests, and no limit: they sign in more often than people do."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(folder: Path) -> Iterator[Callable[[], dict[str, str]]]:
    """Yield a function that returns the environment of the authentication."""
    secret = secrets.token_hex(32)
    yield lambda: {"SESSION_SECRET": secret, "LOGIN_ADDRESS_RATE_LIMIT": "0"}
