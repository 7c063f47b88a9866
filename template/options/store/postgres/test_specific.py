"""What is specific to PostgreSQL."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from pydantic import SecretStr, ValidationError

from app.base import ChatStore, StoreUnavailableError
from app.errors import StartupError
from app.store import StoreSettings, open_store
from tests.store.samples import ANNA, WRITES, read_all, save_conversation

Outage = Callable[[], AbstractContextManager[None]]

UNREACHABLE = "postgresql://anna:hunter2@127.0.0.1:1/chatkit"
"""Nothing listens on port 1."""


def settings_for(url: str, **others: str) -> StoreSettings:
    """Return the settings for a DATABASE_URL."""
    return StoreSettings.model_validate({"database_url": url, **others})


@pytest.mark.parametrize(
    "url",
    [
        "postgres://anna:p%40ss@db.example.org:5432/chatkit",
        "postgresql://anna:hunter2@db.example.org/chatkit?sslmode=require&channel_binding=require",
        "postgresql:///chatkit?host=/var/run/postgresql",
        "postgresql://anna@%2Fvar%2Frun%2Fpostgresql/chatkit",
        "postgresql://anna:hunter2@one.example.org:5432,two.example.org:5432/chatkit"
        "?target_session_attrs=read-write",
    ],
    ids=["short scheme", "options", "socket", "socket as host", "two hosts"],
)
def test_urls_of_all_kinds_are_accepted(url: str) -> None:
    """Every URL that PostgreSQL's own tools accept is valid, and its password is never shown."""
    settings = settings_for(url)
    assert settings.database_url == SecretStr(url)
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://<user>:<password>@<host>:5432/<database>", "still a placeholder"),
        ("postgresql://postgres:[YOUR-PASSWORD]@db.example.org/postgres", "still a placeholder"),
        ("mysql://anna:hunter2@db.example.org/chatkit", "not a URL for PostgreSQL"),
        ("db.example.org", "not a URL for PostgreSQL"),
        ("postgresql://anna:hunter2%zz@db.example.org/chatkit", "cannot be understood"),
        ("postgresql://anna:hunter2@db.example.org/c?pgbouncer=true", "unknown option, pgbouncer"),
    ],
)
def test_other_urls_are_rejected(url: str, reason: str) -> None:
    """The message names the problem and contains no part of the password."""
    with pytest.raises(ValidationError, match=reason) as caught:
        settings_for(url)
    assert "hunter2" not in str(caught.value)


def test_the_url_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no default database."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(ValidationError, match="database_url"):
        StoreSettings()


@pytest.mark.anyio
async def test_start_fails_while_the_server_is_away() -> None:
    """In development, the error is one sentence with the variable's name and no password."""
    with pytest.raises(StartupError, match=r"^DATABASE_URL: .*refused") as caught:
        async with open_store(settings_for(UNREACHABLE)):
            pass
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.anyio
async def test_production_starts_while_the_server_is_away() -> None:
    """The backend may start before the database; until then the store is not ready."""
    async with open_store(settings_for(UNREACHABLE, app_env="production")) as store:
        with pytest.raises(StoreUnavailableError, match="does not answer"):
            await store.ping()


@pytest.mark.anyio
async def test_every_method_reports_that_the_server_is_away(
    store: ChatStore, outage: Outage
) -> None:
    """Every method raises the same error, and no write is left half done."""
    await save_conversation(store)
    before = await read_all(store)
    with outage():
        for call in (
            store.ping(),
            store.load_threads(10, None, "desc", ANNA),
            store.load_thread("thr_anna", ANNA),
            store.load_thread_items("thr_anna", None, 10, "desc", ANNA),
            store.load_item("thr_anna", "one", ANNA),
            store.load_feedback("thr_anna", ANNA),
            *(write(store) for write in WRITES.values()),
        ):
            with pytest.raises(StoreUnavailableError, match="does not answer"):
                await call
    await store.ping()
    assert await read_all(store) == before
