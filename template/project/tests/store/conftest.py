"""Fixtures for the store's tests."""

from collections.abc import AsyncIterator

import pytest

from app.base import ChatStore
from app.store import StoreSettings, open_store
from tests.store.samples import ANNA, make_thread


@pytest.fixture
async def store(
    store_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ChatStore]:
    """An open, empty store."""
    for name, value in store_env.items():
        monkeypatch.setenv(name, value)
    async with open_store(StoreSettings()) as opened:
        yield opened


@pytest.fixture
async def thread(store: ChatStore) -> None:
    """Save an empty thread of Anna's."""
    await store.save_thread(make_thread("thr_anna"), ANNA)
