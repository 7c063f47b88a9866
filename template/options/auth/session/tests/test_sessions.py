"""Sessions in the store: they end in time, and reading the store does not help to use them."""

import re

import pytest

from app.base import ChatStore, User
from app.records import Records, records_of
from app.sessions import MAX_PER_USER, Sessions

SECRET = "0123456789abcdef0123456789abcdef"
ANNA = User("user_" + "a" * 32, {"email": "anna@example.com"})


@pytest.fixture
def records(store: ChatStore) -> Records:
    """Empty records."""
    return records_of(store)


@pytest.mark.anyio
async def test_sessions_end_in_time(records: Records) -> None:
    """One that lasts a little longer is valid, one that has just ended is not."""
    ended = await Sessions(records, SECRET, -0.001).begin(ANNA)
    lasting = await Sessions(records, SECRET, 60).begin(ANNA)
    sessions = Sessions(records, SECRET, 60)
    assert await sessions.find(ended) is None
    assert await sessions.find(lasting) == ANNA


@pytest.mark.anyio
async def test_store_has_no_session_id(records: Records) -> None:
    """Who reads the store can use no session: neither what is in it, nor with another secret."""
    session_id = await Sessions(records, SECRET, 60).begin(ANNA)
    [(key, value)] = await records.listed("sessions", ANNA.id, 10)
    assert re.fullmatch("[0-9a-f]{64}", key)
    assert value == {"email": "anna@example.com"}
    sessions = Sessions(records, SECRET, 60)
    assert await sessions.find(f"{ANNA.id}.{key}") is None
    assert await Sessions(records, SECRET[::-1], 60).find(session_id) is None
    assert await sessions.find(session_id) == ANNA


@pytest.mark.anyio
async def test_oldest_of_many_sessions_ends(records: Records) -> None:
    """A program that signs in again and again does not fill the store."""
    sessions = Sessions(records, SECRET, 60)
    begun = [await sessions.begin(ANNA) for _ in range(MAX_PER_USER + 1)]
    found = [await sessions.find(session_id) for session_id in begun]
    assert found == [None] + [ANNA] * MAX_PER_USER
