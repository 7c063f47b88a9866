"""Fixtures for the store's tests."""

import pytest

from app.base import ChatStore
from tests.store.samples import ANNA, make_thread


@pytest.fixture
async def thread(store: ChatStore) -> None:
    """Save an empty thread of Anna's."""
    await store.save_thread(make_thread("thr_anna"), ANNA)
