"""On a server that processes share, any number of them behave as one."""

import asyncio
from collections.abc import Callable

import pytest

from chatkit_scaffold import launcher
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange, item_text, rows
from chatkit_scaffold.protocol.limits import Limits
from tests.conftest import Environment
from tests.matrix import Project
from tests.proofs.ledger import Item, order_faults
from tests.proofs.projects import SETTINGS, serve, with_stores

TURNS = 50
"""Simultaneous turns in each process."""
RETRIES = 10

pytestmark = with_stores("postgres", "redis")


@pytest.fixture
def environment(installed: Project, environment_of: Environment) -> dict[str, str]:
    """Environment of all backends of a test."""
    return environment_of(installed) | SETTINGS


def test_turns_of_two_processes_alternate(installed: Project, environment: dict[str, str]) -> None:
    """100 simultaneous turns in one thread: each answer directly follows its question."""
    with (
        serve(installed.path, environment) as first,
        serve(installed.path, environment) as second,
    ):
        stored = asyncio.run(talk_at_once(first.url, second.url))
    kinds = [item["type"] for item in stored]
    assert kinds == ["user_message", "assistant_message"] * (1 + 2 * TURNS)
    assert order_faults(stored) == []


def test_retry_beside_turns_of_another_process(
    installed: Project, environment: dict[str, str]
) -> None:
    """No answer is left without its question, whichever of them comes first."""
    with (
        serve(installed.path, environment) as first,
        serve(installed.path, environment) as second,
    ):
        for stored in asyncio.run(retry_beside_turns(first.url, second.url)):
            kinds = [item["type"] for item in stored]
            assert kinds == ["user_message", "assistant_message"] * (len(stored) // 2)
            assert order_faults(stored) == []


def test_thread_of_a_killed_process_is_free_again(
    installed: Project,
    environment: dict[str, str],
    record_property: Callable[[str, str], None],
) -> None:
    """Another process continues the thread within 10 seconds; a busy machine may take longer."""
    with (
        serve(installed.path, environment) as first,
        serve(installed.path, environment) as second,
    ):
        turn, stored = asyncio.run(kill_in_a_turn(first, second.url))
    assert turn.ok, turn.got
    assert order_faults(stored) == []
    assert [item_text(item) for item in stored if item["type"] == "user_message"] == [
        "start",
        "word " * 400,
        "next",
    ]
    record_property(f"{installed.name}, next turn after kill -9", f"{turn.seconds:.1f} s")


async def talk_at_once(*urls: str) -> list[Item]:
    """Say everything at once in one thread, half of it to each URL; return what is stored."""
    clients = [Chatkit(url) for url in urls]
    thread_id = await new_thread(clients[0])
    turns = await asyncio.gather(
        *(
            client.say(thread_id, f"{name}.{number}")
            for name, client in enumerate(clients)
            for number in range(TURNS)
        )
    )
    assert [turn.got for turn in turns if not turn.ok or not turn.text] == []
    return await read_and_close(thread_id, *clients)


async def retry_beside_turns(*urls: str) -> list[list[Item]]:
    """Retry the first message while another process gets more; return what is stored each time."""
    results = []
    for _ in range(RETRIES):
        retrying, saying = (Chatkit(url) for url in urls)
        thread_id = await new_thread(retrying)
        [first, _answer] = await items(retrying, thread_id)
        turns = await asyncio.gather(
            retrying.stream("threads.retry_after_item", thread_id=thread_id, item_id=first["id"]),
            *(saying.say(thread_id, f"{number}") for number in range(3)),
        )
        assert [turn.got for turn in turns if not turn.ok or not turn.text] == []
        results.append(await read_and_close(thread_id, retrying, saying))
    return results


async def kill_in_a_turn(first: launcher.Server, second: str) -> tuple[Exchange, list[Item]]:
    """Kill a process in the middle of a turn; return the next turn in another, and the items."""
    killed, other = Chatkit(first.url), Chatkit(second, limits=Limits(exchange_timeout=30))
    thread_id = await new_thread(killed)
    await killed.say(thread_id, "word " * 400, watch=lambda exchange: kill_at_text(first, exchange))
    turn = await other.say(thread_id, "next")
    return turn, await read_and_close(thread_id, killed, other)


def kill_at_text(server: launcher.Server, exchange: Exchange) -> bool:
    """Kill the server when the first text has come; return whether it has."""
    if not exchange.deltas:
        return False
    server.kill()
    return True


async def new_thread(chatkit: Chatkit) -> str:
    """Create a thread with one turn."""
    created = await chatkit.create_thread("start")
    assert created.thread_id is not None, created.got
    return created.thread_id


async def items(chatkit: Chatkit, thread_id: str) -> list[Item]:
    """Return all items of a thread, oldest first."""
    page = await chatkit.call("items.list", thread_id=thread_id, order="asc", limit=9999)
    return rows(page.json, "data")


async def read_and_close(thread_id: str, *clients: Chatkit) -> list[Item]:
    """Return all items of a thread as the last client reads them, and close all clients."""
    stored = await items(clients[-1], thread_id)
    for client in clients:
        await client.close()
    return stored
