"""Serves the play page on this machine until the user presses Ctrl+C."""

import contextlib
import errno
import os
import secrets
import signal
import socket
import ssl
import threading
import webbrowser
from collections.abc import AsyncIterator, Iterator, Mapping
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette

from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.play.app import Play, require_page
from chatkit_scaffold.play.guard import Guard
from chatkit_scaffold.play.user import User
from chatkit_scaffold.protocol.url import valid_url

HOST = "127.0.0.1"
_NOTICEABLE = 2
"""Seconds to wait for a backend before the page opens without it."""
_GRACE = 1
"""Seconds for open streams at the end."""


@contextlib.contextmanager
def prepared(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    other_headers: Mapping[str, str] | None = None,
    trusted: ssl.SSLContext | None = None,
    port: int = 0,
) -> Iterator[tuple[str, uvicorn.Server]]:
    """Listen, and yield the page's address with the server, which is to be run in the block.

    Whoever has the address can use the credentials. A browser can connect at once; it gets an
    answer when the server runs.

    Args:
        url: The ChatKit endpoint.
        headers: The first user's credentials.
        other_headers: The second user's credentials; without them, there is no second user.
        trusted: Whose certificates to trust; by default, see `tls.trust`.
        port: Where to listen; 0 for any free port.

    Raises:
        ScaffoldError: The URL or a header is not valid, the port is in use, or the installation is
            incomplete.
    """
    require_page()
    users = {"first": User("first", url, headers or {}, trusted=trusted)}
    if other_headers:
        users["second"] = User("second", url, other_headers, trusted=trusted)
    with _listening(port) as listener:
        token = secrets.token_urlsafe(32)
        port = listener.getsockname()[1]
        server = _Server(_config(Play(users), port=port, token=token), listener)
        yield f"http://{HOST}:{port}/{token}/", server


class _Server(uvicorn.Server):
    """Serves at a socket that listens already."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket) -> None:
        super().__init__(config)
        self._listener = listener

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until SIGTERM, `should_exit`, or SIGINT; see `ended_by_ctrl_c`."""
        super().run(sockets or [self._listener])


@contextlib.contextmanager
def ended_by_ctrl_c(server: uvicorn.Server) -> Iterator[None]:
    """Let Ctrl+C end the server that the block runs, also before it has begun.

    Python's own handler raises an exception, which is lost if it comes in the middle of an import.
    """
    before = signal.signal(signal.SIGINT, server.handle_exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def open_browser(address: str) -> None:
    """Open a page in the user's browser, if there is one."""
    # Some browsers return only when they are closed.
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def listens(url: str) -> bool:
    """Return whether something accepts connections at a URL; no request is sent.

    Raises:
        ScaffoldError: The URL is not valid.
    """
    parts = urlsplit(valid_url(url))
    address = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection(address, timeout=_NOTICEABLE).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    with socket.socket() as listener:
        if os.name != "nt":  # where it would let two programs listen on the same port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            in_use = error.errno == errno.EADDRINUSE
            reason = "is in use" if in_use else f"cannot be used: {error.strerror}"
            raise ScaffoldError(
                f"Port {port} {reason}",
                hint="Pass another one with --port, or none for any free port.",
            ) from None
        listener.listen()
        yield listener


def _config(play: Play, *, port: int, token: str) -> uvicorn.Config:
    app = play.app()

    @contextlib.asynccontextmanager
    async def closing(_: Starlette) -> AsyncIterator[None]:
        yield
        await play.close()

    app.router.lifespan_context = closing
    return uvicorn.Config(
        Guard(app, port=port, token=token),
        # A log would have the token in it, and errors have nothing to add to what the page shows.
        access_log=False,
        log_config=None,
        log_level="critical",
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
