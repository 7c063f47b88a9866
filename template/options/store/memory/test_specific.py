"""What only a store in memory does."""

from datetime import datetime

import pytest
from chatkit.types import Page, ThreadMetadata

from app.base import RequestContext
from app.store import StoreSettings, open_store

pytestmark = pytest.mark.anyio


async def test_stores_share_nothing() -> None:
    """Each store begins empty, even beside another one."""
    anna = RequestContext(user_id="anna", request_id="req_1")
    async with open_store(StoreSettings()) as one, open_store(StoreSettings()) as other:
        await one.save_thread(ThreadMetadata(id="thr_1", created_at=datetime.now()), anna)
        assert await other.load_threads(10, None, "desc", anna) == Page()
