"""Bring the tables of the database up to date."""

import argparse
import asyncio

from app.settings import Settings
from app.store import migrate


def run(settings: Settings, arguments: argparse.Namespace) -> None:
    """Run the migrations that the database has not seen.

    Raises:
        StartupError: The database cannot be reached or its tables cannot be changed.
    """
    asyncio.run(migrate(settings))
    print("The tables are up to date.")
