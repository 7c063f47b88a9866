"""Answer requests (the default command)."""

import argparse
import asyncio
import socket
from contextlib import suppress

import uvicorn

from app import ENDPOINT
from app.agent import open_agent
from app.errors import StartupError
from app.logs import log
from app.main import create_app
from app.settings import Settings
from app.store import open_store


def run(settings: Settings, arguments: argparse.Namespace) -> None:
    """Answer requests until SIGTERM or SIGINT.

    Raises:
        StartupError: The port, the store or the agent cannot be opened.
    """
    # uvicorn reports a failed start with a traceback; here it is one sentence.
    asyncio.run(try_parts(settings))
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        timeout_graceful_shutdown=settings.shutdown_grace,
        log_config=None,
        access_log=False,
        server_header=False,
    )
    with suppress(KeyboardInterrupt):  # uvicorn raises it again after an orderly shutdown.
        AnnouncedServer(config).run()


class AnnouncedServer(uvicorn.Server):
    """Logs the endpoint's URL once it can be reached."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        address = f"[{host}]" if ":" in host else host
        log.info("listening", url=f"http://{address}:{port}{ENDPOINT}")


async def try_parts(settings: Settings) -> None:
    """Open and close the port, the store and the agent."""
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(asyncio.Protocol, settings.host, settings.port)
    except OSError as error:
        reason = str(error.strerror).rpartition(": ")[2]  # asyncio repeats the address before it.
        raise StartupError(f"HOST={settings.host} PORT={settings.port}: {reason}") from None
    server.close()
    async with open_store(settings), open_agent(settings):
        pass
