"""Runs the server in this process or in several, and reports a failed start in one sentence."""

import asyncio
import logging
import os
import signal
import socket
import sys
from multiprocessing import parent_process
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from app import ENDPOINT
from app.connections import BoundedConfig
from app.errors import StartupError
from app.logs import log

_WORKER_START = 60.0
"""How long to wait until a worker answers, in seconds."""


_LAST_LINES = 1.0
"""How long requests that a shutdown has interrupted may take to be logged, in seconds."""


class ServerConfig(BoundedConfig):
    """uvicorn's configuration for the whole backend."""

    def load(self) -> None:
        """Load the application."""
        super().load()
        self.lifespan_class: type[Any] = Parts
        logging.getLogger("uvicorn.error").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Reject the traceback of each answer that a shutdown interrupts: nothing went wrong."""
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)


class Parts:
    """Opens the application's parts before the server listens, and closes them after it.

    It takes the place of uvicorn's own class, which reports a failed start with a traceback.
    """

    should_exit = False
    """uvicorn then exits with `STARTUP_FAILURE`, and does not start another worker."""

    def __init__(self, config: ServerConfig) -> None:
        app: FastAPI = config.loaded_app.app  # uvicorn has put `ProxyHeadersMiddleware` around it.
        self.state: dict[str, Any] = {}
        self._context = app.router.lifespan_context(app)
        self._config = config

    async def startup(self) -> None:
        """Open the parts.

        Raises:
            StartupError: One of them cannot be opened; a worker prints the reason and exits.
        """
        parent = parent_process()
        try:
            await self._context.__aenter__()
        except StartupError as error:
            if parent is None:
                raise
            sys.stderr.write(f"error: {error}\n")
            self.should_exit = True
        if parent is not None:
            loop = asyncio.get_running_loop()
            loop.add_reader(parent.sentinel, _end_with_parent, loop, parent.sentinel)

    async def shutdown(self) -> None:
        """Close the parts; the process ends immediately after this."""
        await self._context.__aexit__(None, None, None)
        if self._config.requests:
            await asyncio.wait(self._config.requests, timeout=_LAST_LINES)


def _end_with_parent(loop: asyncio.AbstractEventLoop, sentinel: int) -> None:
    """End this worker: its parent was killed, and nobody else would."""
    loop.remove_reader(sentinel)
    os.kill(os.getpid(), signal.SIGTERM)


class AnnouncedServer(uvicorn.Server):
    """Logs the endpoint's URL once requests are answered."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        announce(sockets or [])


class Workers(Multiprocess):
    """Starts the workers, and replaces those that crash."""

    def init_processes(self) -> None:
        """Start the workers, and log the endpoint's URL once all of them answer."""
        super().init_processes()
        if all(worker.wait_until_ready(_WORKER_START) for worker in self.processes):
            announce(self.sockets)

    def run(self) -> None:
        """Run until a signal ends this process.

        Raises:
            StartupError: A worker cannot be started.
        """
        super().run()
        if any(worker.exitcode == STARTUP_FAILURE for worker in self.processes):
            raise StartupError("a worker could not be started")


def announce(sockets: list[socket.socket]) -> None:
    """Log the endpoint's URL."""
    host, port = sockets[0].getsockname()[:2]
    address = f"[{host}]" if ":" in host else host
    log.info("listening", url=f"http://{address}:{port}{ENDPOINT}")
