"""Fills the database of the project in the working directory, which already has its tables."""

import json
import os
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

import psycopg
from sqlalchemy import Connection, Table, create_engine, insert, text

from app.database.tables import items, threads
from benchmarks.inside import samples

_BATCH = 5_000
"""Rows of one statement."""


def main() -> None:
    """Insert what `BENCH_SEED` asks for."""
    wanted = json.loads(os.environ["BENCH_SEED"])
    with _engine().begin() as connection:
        long = [samples.long_thread(number) for number in wanted["lengths"]]
        _insert(
            connection,
            threads,
            (
                {"id": one.id, "user_id": samples.USER, "payload": one.model_dump_json()}
                for one in chain(long, samples.threads(wanted["threads"]))
            ),
        )
        for number in wanted["lengths"]:
            _insert(connection, items, _item_rows(number))
        # A database that has grown over time has statistics.
        connection.execute(text("ANALYZE"))


def _engine() -> Any:
    url = os.environ["DATABASE_URL"]
    if url.startswith("sqlite"):
        return create_engine(url)
    # libpq reads the URL, as in the project.
    return create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))


def _item_rows(number: int) -> Iterator[dict[str, Any]]:
    for seq, item in enumerate(samples.items(number), start=1):
        yield {
            "thread_id": item.thread_id,
            "seq": seq,
            "id": item.id,
            "payload": item.model_dump_json(),
        }


def _insert(connection: Connection, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    left = iter(rows)
    while batch := list(islice(left, _BATCH)):
        connection.execute(insert(table), batch)


if __name__ == "__main__":
    main()
