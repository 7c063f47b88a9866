"""What is exported and imported."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from app.entries import Section
from app.store import StoreSettings, open_link


@asynccontextmanager
async def open_sections(settings: StoreSettings) -> AsyncIterator[Sequence[Section]]:
    """Open the store, in which there are only conversations.

    Raises:
        StartupError: The store cannot be opened.
    """
    async with open_link(settings) as link:
        yield [link.conversations()]
