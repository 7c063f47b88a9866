"""What only a store in memory does."""

import pytest
from chatkit.types import Page

from app.base import ChatStore
from app.store import StoreSettings, open_store
from tests.store.samples import ANNA, save_conversation

pytestmark = pytest.mark.anyio


async def test_stores_share_nothing(store: ChatStore) -> None:
    """Each store begins empty, even beside another one."""
    await save_conversation(store)
    async with open_store(StoreSettings()) as other:
        assert await other.load_threads(10, None, "desc", ANNA) == Page()
