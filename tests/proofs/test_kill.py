"""A durable store has all that was acknowledged before `kill -9`, once and in order."""

import asyncio
import random
import secrets
from collections.abc import Callable, Collection, Mapping
from itertools import count
from pathlib import Path

from chatkit_scaffold import launcher
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange
from chatkit_scaffold.protocol.limits import Limits
from tests.conftest import Environment
from tests.matrix import Project
from tests.proofs.feedback import stored_feedback
from tests.proofs.ledger import Ledger
from tests.proofs.projects import DURABLE, SETTINGS, serve, with_stores

ROUNDS = 30
NEW, OLD = 6, 2
"""Simultaneous conversations in new and in old threads, with two streams each."""
WORDS = "and a few more words to be cut off in"
LIMITS = Limits(exchange_timeout=30)
"""A crashed process may keep a thread for 10 seconds; the rest is for a busy machine."""


@with_stores(*DURABLE)
def test_nothing_acknowledged_is_lost(
    installed: Project,
    shared_python: Path,
    environment_of: Environment,
    record_property: Callable[[str, str], None],
) -> None:
    """Kill a backend with 16 streams at a random moment, restart it, and read what it kept."""
    seed = secrets.randbelow(1_000_000)
    chance = random.Random(seed)  # noqa: S311 - a moment, not a secret
    environment = environment_of(installed) | SETTINGS
    ledger = Ledger()
    used: set[str] = set()
    for number in range(ROUNDS):
        with serve(installed.path, environment, shared_python) as server:
            assert asyncio.run(find_faults(server.url, ledger, used)) == [], f"seed {seed}"
            used = asyncio.run(talk_until_killed(server, ledger, f"{number}", chance))
    with serve(installed.path, environment, shared_python) as server:
        everything = {*ledger.items, *ledger.deleted}
        assert asyncio.run(find_faults(server.url, ledger, everything)) == [], f"seed {seed}"
        assert feedback_faults(environment, ledger) == [], f"seed {seed}"
        longest = asyncio.run(use_again(server.url, ledger))
    record_property(f"{installed.name}, {ROUNDS} times kill -9, seed {seed}", str(ledger))
    record_property(f"{installed.name}, longest turn after the last", f"{longest:.1f} s")


async def talk_until_killed(
    server: launcher.Server, ledger: Ledger, name: str, chance: random.Random
) -> set[str]:
    """Talk in several threads at once, kill the server, and return the threads that were used."""
    before = {*ledger.items, *ledger.deleted}
    old = chance.sample(sorted(ledger.items), min(OLD, len(ledger.items)))
    threads = [*old, *[None] * (NEW + OLD - len(old))]
    tasks = [
        asyncio.create_task(converse(server, ledger, f"{name}.{number}", thread_id))
        for number, thread_id in enumerate(threads)
    ]
    tasks.append(asyncio.create_task(create_and_delete(server, ledger, f"{name}.x")))
    await asyncio.sleep(chance.uniform(0.1, 1.0))
    server.kill()
    await asyncio.gather(*tasks)
    return {*old, *ledger.items, *ledger.deleted} - before.difference(old)


async def converse(
    server: launcher.Server, ledger: Ledger, name: str, thread_id: str | None
) -> None:
    """Have a conversation with two streams, in a new thread if none is given."""
    async with Chatkit(server.url, limits=LIMITS) as chatkit:
        if thread_id is None:
            first = await chatkit.create_thread(f"{name} {WORDS}")
            note(server, ledger, first)
            if (thread_id := first.thread_id) is None:
                return
        await asyncio.gather(
            say_and_rename(server, ledger, chatkit, thread_id, f"{name}.a"),
            say_and_rate(server, ledger, chatkit, thread_id, f"{name}.b"),
        )


async def say_and_rename(
    server: launcher.Server, ledger: Ledger, chatkit: Chatkit, thread_id: str, name: str
) -> None:
    """Send messages and rename the thread after each answer, until the server is killed."""
    for number in count():
        turn = await chatkit.say(thread_id, f"{name}.{number} {WORDS}")
        if not note(server, ledger, turn):
            return
        await ledger.rename(chatkit, thread_id, f"{name}.{number}")


async def say_and_rate(
    server: launcher.Server, ledger: Ledger, chatkit: Chatkit, thread_id: str, name: str
) -> None:
    """Send messages and give feedback on each answer, until the server is killed."""
    for number in count():
        turn = await chatkit.say(thread_id, f"{name}.{number} {WORDS}")
        if not note(server, ledger, turn):
            return
        await ledger.rate(chatkit, thread_id, turn.items[-1]["id"], "positive")


async def create_and_delete(server: launcher.Server, ledger: Ledger, name: str) -> None:
    """Create threads and delete them, until the server is killed."""
    async with Chatkit(server.url, limits=LIMITS) as chatkit:
        for number in count():
            turn = await chatkit.create_thread(f"{name}.{number}")
            if not note(server, ledger, turn):
                return
            await ledger.delete(chatkit, turn.items[-1]["thread_id"])


def note(server: launcher.Server, ledger: Ledger, turn: Exchange) -> bool:
    """Note what a turn has acknowledged; return whether it came to its end."""
    ledger.note_stream(turn)
    complete = turn.ok and not turn.events_of_type("error")
    # Nothing but the kill may break off a turn.
    assert complete or server.process.returncode is not None, (turn.got, server.output())
    return complete


async def find_faults(url: str, ledger: Ledger, thread_ids: Collection[str]) -> list[str]:
    """Read threads, and return how they differ from what was acknowledged."""
    async with Chatkit(url, limits=Limits(requests=len(thread_ids) * 2)) as chatkit:
        return [fault for one in thread_ids for fault in await ledger.faults(chatkit, one)]


def feedback_faults(environment: Mapping[str, str], ledger: Ledger) -> list[tuple[str, str]]:
    """Return the items whose stored feedback is not what was acknowledged.

    ChatKit has no request that returns feedback.
    """
    stored = stored_feedback(environment)
    return [key for key, kind in ledger.feedback.items() if stored.get(key) != kind]


async def use_again(url: str, ledger: Ledger) -> float:
    """Say something in every thread; return the seconds that the slowest turn took."""
    busy = asyncio.Semaphore(16)

    async def say(thread_id: str) -> Exchange:
        async with busy, Chatkit(url, limits=LIMITS) as chatkit:
            return await chatkit.say(thread_id, "after the last crash")

    turns = await asyncio.gather(*map(say, ledger.items))
    assert [turn.got for turn in turns if not turn.ok or not turn.text] == []
    return max(turn.seconds for turn in turns)
