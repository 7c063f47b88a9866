"""Answer requests (the default command)."""

import argparse
import asyncio
import socket
import sys
from contextlib import suppress

from app.agent import open_agent
from app.auth import open_auth
from app.errors import StartupError
from app.logs import configure_logging
from app.main import create_app
from app.processes import AnnouncedServer, ServerConfig, Workers
from app.settings import Settings
from app.store import open_store


def run(settings: Settings, arguments: argparse.Namespace) -> None:
    """Answer requests until SIGTERM or SIGINT.

    Raises:
        StartupError: The port, the store, the authentication or the agent cannot be opened.
    """
    sockets = listen(settings)
    if settings.workers > 1:
        configure_logging(settings)
        # Here first: each of the workers would report the same fault.
        asyncio.run(try_parts(settings))
        Workers(ServerConfig("app.main:create_app", settings), sockets).run()
    else:
        with suppress(KeyboardInterrupt):  # uvicorn raises it again after an orderly shutdown.
            AnnouncedServer(ServerConfig(create_app(settings), settings)).run(sockets)


async def try_parts(settings: Settings) -> None:
    """Open and close the store, the authentication and the agent."""
    async with (
        open_store(settings) as store,
        open_auth(settings, store),
        open_agent(settings, store),
    ):
        pass


def listen(settings: Settings) -> list[socket.socket]:
    """Return a listening socket for each address of `HOST`.

    Raises:
        StartupError: The host is unknown, or the port cannot be used.
    """
    sockets = []
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            listening = socket.socket(family, kind, protocol)
            sockets.append(listening)
            if sys.platform != "win32":
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.bind(address)
            listening.listen()
    except OSError as error:
        reason = str(error.strerror).lower()
        raise StartupError(f"HOST={settings.host} PORT={settings.port}: {reason}") from None
    return sockets
