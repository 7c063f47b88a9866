"""PostgreSQL has what a backend commits on its disk before it says so, as long as nobody asks less.

That a commit waits for the write-ahead log is PostgreSQL's own guarantee. What is shown here is
that the backend's connections do not give it up, and that none of its tables is outside the log.
"""

import asyncio

import psycopg

from chatkit_scaffold.protocol.client import Chatkit
from tests.conftest import Environment
from tests.matrix import Project
from tests.proofs.projects import SETTINGS, serve, with_stores

TABLES = ("threads", "items", "feedback")

pytestmark = with_stores("postgres")


def test_commits_wait_for_the_disk(installed: Project, environment_of: Environment) -> None:
    """In the very statements that write conversations, `synchronous_commit` is on."""
    environment = environment_of(installed) | SETTINGS
    assert settings_of_writes(installed, environment) == {key: {"on"} for key in TABLES}
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        for setting in ("fsync", "full_page_writes"):
            assert connection.execute(f"SHOW {setting}").fetchone() == ("on",)
        logged = connection.execute(
            "SELECT relname FROM pg_class WHERE relpersistence = 'p' AND oid = ANY(%s::regclass[])",
            [list(TABLES)],
        ).fetchall()
    assert {name for (name,) in logged} == set(TABLES)


def test_connections_that_do_not_wait_are_found(
    installed: Project, environment_of: Environment
) -> None:
    """A URL that switches it off shows in every statement: the test above would fail."""
    environment = environment_of(installed) | SETTINGS
    url = environment["DATABASE_URL"] + "%20-csynchronous_commit%3Doff"
    found = settings_of_writes(installed, environment | {"DATABASE_URL": url})
    assert found == {key: {"off"} for key in TABLES}


def settings_of_writes(installed: Project, environment: dict[str, str]) -> dict[str, set[str]]:
    """Use a backend; return the values of `synchronous_commit` that writes to each table had."""
    with (
        serve(installed.path, environment) as server,
        psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection,
    ):
        watch_writes(connection)
        asyncio.run(write_everything(server.url))
        found = connection.execute("SELECT name, array_agg(setting) FROM writes GROUP BY name")
        return {name: set(settings) for name, settings in found.fetchall()}


def watch_writes(connection: psycopg.Connection) -> None:
    """Note the setting of every statement that writes, in the session that runs it."""
    connection.execute("CREATE TABLE writes (name text, setting text)")
    connection.execute(
        "CREATE FUNCTION note_setting() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO writes VALUES (TG_TABLE_NAME, current_setting('synchronous_commit'));"
        " RETURN NULL; END $$"
    )
    for table in TABLES:
        connection.execute(
            f"CREATE TRIGGER note_setting AFTER INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION note_setting()"
        )


async def write_everything(url: str) -> None:
    """Write in every way that ChatKit offers."""
    async with Chatkit(url) as chatkit:
        created = await chatkit.create_thread("Hi")
        thread_id, item_id = created.thread_id, created.items[0]["id"]
        assert thread_id is not None, created.got
        rated = created.items[-1]["id"]
        for exchange in (
            await chatkit.say(thread_id, "Hi again"),
            await chatkit.call("threads.update", thread_id=thread_id, title="Mine"),
            await chatkit.call(
                "items.feedback", thread_id=thread_id, item_ids=[rated], kind="negative"
            ),
            await chatkit.stream("threads.retry_after_item", thread_id=thread_id, item_id=item_id),
            await chatkit.call("threads.delete", thread_id=thread_id),
        ):
            assert exchange.ok, exchange.got
