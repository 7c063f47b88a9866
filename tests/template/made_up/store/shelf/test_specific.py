"""What only a store in one file does."""

from pathlib import Path

import pytest

from app.base import ChatStore
from app.errors import StartupError
from app.store import StoreSettings, open_store
from tests.store.samples import ANNA, make_thread, read_all, save_conversation

pytestmark = pytest.mark.anyio


def tear(path: Path) -> None:
    """Append a part of a line."""
    with path.open("ab") as file:
        file.write(b'["thread", "anna", "thr_')


async def test_torn_line_is_dropped(store: ChatStore, store_env: dict[str, str]) -> None:
    """A crash in the middle of a write leaves a part of a line, which the next write replaces."""
    await save_conversation(store)
    before = await read_all(store)
    tear(Path(store_env["SHELF_PATH"]))
    async with open_store(StoreSettings()) as opened:
        assert await read_all(opened) == before
        await opened.save_thread(make_thread("thr_new"), ANNA)
    assert [thread.id for thread, _, _ in await read_all(store)] == ["thr_anna", "thr_new"]


async def test_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    """A start that fails names the variable."""
    settings = StoreSettings(shelf_path=tmp_path / "missing" / "shelf.db")
    with pytest.raises(StartupError, match=r"^SHELF_PATH cannot be opened: No such file"):
        async with open_store(settings):
            pass
