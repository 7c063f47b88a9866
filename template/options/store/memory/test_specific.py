"""What only a store in memory does."""

import pytest
from chatkit.types import Page
from pydantic import ValidationError

from app.base import ChatStore
from app.store import StoreSettings, open_store
from tests.store.samples import ANNA, save_conversation

pytestmark = pytest.mark.anyio


async def test_stores_share_nothing(store: ChatStore) -> None:
    """Each store begins empty, even beside another one."""
    await save_conversation(store)
    async with open_store(StoreSettings()) as other:
        assert await other.load_threads(10, None, "desc", ANNA) == Page()


async def test_one_process_answers() -> None:
    """Several processes would have a conversation each."""
    assert StoreSettings.model_validate({"workers": "1"}).workers == 1
    with pytest.raises(ValidationError, match="must be 1: processes do not share"):
        StoreSettings.model_validate({"workers": "2"})
