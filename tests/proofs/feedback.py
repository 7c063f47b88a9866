"""The feedback that a backend has stored, which no request of ChatKit returns."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing

import psycopg
from redis import Redis


def stored_feedback(environment: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Return all feedback that a backend stores, by thread and item."""
    if redis_url := environment.get("REDIS_URL"):
        prefix = "{chatkit}:feedback:"
        with Redis.from_url(redis_url, decode_responses=True) as redis:
            return {
                (str(key).removeprefix(prefix), item_id): kind
                for key in redis.scan_iter(f"{prefix}*")
                for item_id, kind in redis.hgetall(key).items()
            }
    url, query = environment["DATABASE_URL"], "SELECT thread_id, item_id, kind FROM feedback"
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            rows = file.execute(query).fetchall()
    else:
        with psycopg.connect(url) as connection:
            rows = connection.execute(query).fetchall()
    return {(thread_id, item_id): kind for thread_id, item_id, kind in rows}
