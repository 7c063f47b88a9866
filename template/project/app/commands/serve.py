"""Answer requests (the default command)."""

import argparse
import asyncio

import uvicorn

from app.agent import open_agent
from app.main import create_app
from app.settings import Settings
from app.store import open_store


def run(settings: Settings, arguments: argparse.Namespace) -> None:
    """Answer requests until SIGTERM or SIGINT.

    Raises:
        StartupError: The store or the agent cannot be opened.
    """
    # uvicorn reports a failed start with a traceback; here it is one sentence.
    asyncio.run(try_parts(settings))
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        timeout_graceful_shutdown=settings.shutdown_grace,
        log_config=None,
        access_log=False,
        server_header=False,
    )


async def try_parts(settings: Settings) -> None:
    """Open and close the store and the agent."""
    async with open_store(settings), open_agent(settings):
        pass
