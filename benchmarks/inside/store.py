"""Takes the place of `app/store.py` in projects without SQL: a store that is full when it opens."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from app import plain_store
from app.base import ChatStore, RequestContext, User
from app.plain_store import StoreSettings
from app.plain_store import open_store as open_plain_store
from benchmarks.inside import samples

__all__ = ["StoreSettings", "open_store"]

_CONTEXT = RequestContext(User(samples.USER), "seed")


@asynccontextmanager
async def open_store(settings: StoreSettings) -> AsyncIterator[ChatStore]:
    """Open a store with what `BENCH_SEED` asks for."""
    async with open_plain_store(settings) as store:
        if "BENCH_SEED" in os.environ:
            await _fill(store, json.loads(os.environ["BENCH_SEED"]))
        yield store


def __getattr__(name: str) -> Any:
    """Return what else the module has, such as what an export opens the store with."""
    return getattr(plain_store, name)


async def _fill(store: ChatStore, wanted: dict[str, Any]) -> None:
    for number in wanted["lengths"]:
        await store.save_thread(samples.long_thread(number), _CONTEXT)
        for item in samples.items(number):
            await store.add_thread_item(item.thread_id, item, _CONTEXT)
    for thread in samples.threads(wanted["threads"]):
        await store.save_thread(thread, _CONTEXT)
