"""A database, or a process of several, that stands still for a while."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psycopg
import pytest
from redis import Redis

from chatkit_scaffold import launcher
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange, rows
from tests.conftest import Environment
from tests.matrix import the
from tests.template.how_to import MakeProject

NAMES = [the(store="postgres"), the(store="redis")]
LONG = "word " * 120
"""Its answer takes 6 seconds."""
SETTINGS = {"ECHO_DELAY": "0.05", "SHUTDOWN_GRACE": "0", "RATE_LIMIT": "0"}

pytestmark = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in NAMES]
)


def test_frozen_database_hangs_nothing(
    install: MakeProject, environment_of: Environment, name: str
) -> None:
    """Requests and health checks get a 503, SIGTERM ends the backend, and nothing is lost."""
    project = install(name)
    environment = environment_of(project) | SETTINGS
    with launcher.serve(project.path, environment) as server:
        status, thread_id, seen = asyncio.run(freeze_during_turn(server, environment))
    assert seen == {"ready": 503, "list": 503}
    assert status == -signal.SIGTERM
    with launcher.serve(project.path, environment) as server:
        assert http_status(server.url + "/ready") == 200
        assert asyncio.run(kinds_of_items(server.url, thread_id))[:2] == [
            "user_message",
            "assistant_message",
        ]


async def freeze_during_turn(
    server: launcher.Server, environment: dict[str, str]
) -> tuple[int, str, dict[str, int | None]]:
    """Freeze the database in the middle of a turn; end the backend meanwhile.

    Returns:
        The backend's exit status, the thread, and the statuses of requests.
    """
    async with Chatkit(server.url) as chatkit, Chatkit(server.url) as other:
        first = await chatkit.create_thread("Hi")
        assert first.thread_id is not None, first.got
        turn = await begin_turn(chatkit, first.thread_id)
        with standing_still(*database_processes(environment)):
            seen: dict[str, int | None] = {
                "ready": await asyncio.to_thread(http_status, server.url + "/ready"),
                "list": (await other.call("threads.list", limit=10)).status,
            }
            # After which it is killed, with another status.
            status = await asyncio.to_thread(server.stop, grace=60)
        await turn
    return status, first.thread_id, seen


def test_process_that_stood_still_does_not_disturb_the_next_turn(
    install: MakeProject, environment_of: Environment, name: str
) -> None:
    """Its turn cannot write any more once another process has answered in the thread."""
    project = install(name)
    environment = environment_of(project) | SETTINGS
    with (
        launcher.serve(project.path, environment) as frozen,
        launcher.serve(project.path, environment) as other,
    ):
        answer, interrupted, kinds = asyncio.run(freeze_one_process(frozen, other))
    assert answer.text
    assert interrupted.events_of_type("error"), interrupted.got
    # The question that got no answer, and the turn of the other process.
    assert kinds == ["user_message", "assistant_message"] + ["user_message"] * 2 + [
        "assistant_message"
    ]


async def freeze_one_process(
    frozen: launcher.Server, other: launcher.Server
) -> tuple[Exchange, Exchange, list[str]]:
    """Freeze a process in the middle of a turn until another one has answered in its thread."""
    async with Chatkit(frozen.url) as first, Chatkit(other.url) as second:
        created = await first.create_thread("Hi")
        assert created.thread_id is not None, created.got
        turn = await begin_turn(first, created.thread_id)
        with standing_still(frozen.process.pid):
            answer = await second.say(created.thread_id, "Hi again")
        interrupted = await turn
        return answer, interrupted, await kinds_of_items(other.url, created.thread_id)


async def begin_turn(chatkit: Chatkit, thread_id: str) -> asyncio.Task[Exchange]:
    """Send a message, and return when its answer has begun."""
    begun = asyncio.Event()

    def watch(exchange: Exchange) -> bool:
        if exchange.deltas:
            begun.set()
        return False

    turn = asyncio.create_task(chatkit.say(thread_id, LONG, watch=watch))
    await begun.wait()
    return turn


async def kinds_of_items(url: str, thread_id: str) -> list[str]:
    """Return the types of a thread's items, oldest first."""
    async with Chatkit(url) as chatkit:
        page = await chatkit.call("items.list", thread_id=thread_id, order="asc", limit=100)
    return [item["type"] for item in rows(page.json, "data")]


def database_processes(environment: dict[str, str]) -> list[int]:
    """Return the server's processes: first the one that starts the others."""
    if redis_url := environment.get("REDIS_URL"):
        with Redis.from_url(redis_url) as redis:
            return [redis.info("server")["process_id"]]
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        [[folder]] = connection.execute("SHOW data_directory")
        others = [pid for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity")]
    first = (Path(folder) / "postmaster.pid").read_text(encoding="utf-8").split()[0]
    return [int(first), *others]


@contextmanager
def standing_still(*processes: int) -> Iterator[None]:
    """Stop processes for a while."""
    stopped = []
    for process in processes:
        with suppress(ProcessLookupError):  # The one that has just asked for the others.
            os.kill(process, signal.SIGSTOP)
            stopped.append(process)
    try:
        yield
    finally:
        for process in stopped:
            with suppress(ProcessLookupError):  # The first one collects what had already ended.
                os.kill(process, signal.SIGCONT)


def http_status(url: str) -> int:
    """Get a page and return its status."""
    return httpx.get(url, timeout=60, trust_env=False).status_code
