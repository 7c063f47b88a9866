"""Serves an ASGI application on a free local port."""

import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

PATH = "/chatkit"


@contextlib.contextmanager
def serve(app: App, path: str = PATH, certificate: Path | None = None) -> Iterator[str]:
    """Serve *app* while the block runs; yield the URL of its ChatKit route.

    Args:
        app: The application.
        path: The path of the route.
        certificate: A file with a key and its certificates, to serve with TLS.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        # Clients can connect from now on, and get a response once the server has started.
        listener.listen()
        config = uvicorn.Config(
            app, log_config=None, timeout_graceful_shutdown=1, ssl_certfile=certificate
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            scheme = "https" if certificate else "http"
            yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}{path}"
        finally:
            server.should_exit = True
            thread.join()
