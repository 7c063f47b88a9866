"""Hashing passwords takes the same work for everyone, and not more than the machine has."""

import anyio
import pytest

from app import passwords
from app.errors import ApiError
from app.passwords import Passwords
from tests.browser import PASSWORD, WRONG


@pytest.mark.anyio
async def test_unknown_address_takes_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an account a password is hashed as with one, with the same parameters."""
    checked = Passwords()
    stored = await checked.hash(PASSWORD)
    hasher, hashes = checked._hasher, list[str]()
    verify = hasher.verify

    def noted(password: str | bytes, compared: str | bytes) -> bool:
        hashes.append(str(compared))
        return verify(password, compared)

    monkeypatch.setattr(hasher, "verify", noted)
    assert await checked.verify(PASSWORD, stored)
    assert not await checked.verify(WRONG, stored)
    assert not await checked.verify(PASSWORD, None)
    parameters = [compared.split("$")[:4] for compared in hashes]
    assert parameters == [stored.split("$")[:4]] * 3


@pytest.mark.anyio
async def test_long_queue_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing takes memory and time: those who would wait too long are told so at once."""
    monkeypatch.setattr(passwords, "MAX_QUEUE", 3)
    checked = Passwords()
    refused: list[ApiError] = []

    async def hash_one() -> None:
        try:
            await checked.hash(PASSWORD)
        except ApiError as error:
            refused.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(hash_one)
    assert [error.status for error in refused] == [503, 503]
    assert await checked.verify(PASSWORD, await checked.hash(PASSWORD))
