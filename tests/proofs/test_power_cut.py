"""What a backend with SQLite acknowledges is on the disk before, as its system calls show."""

import asyncio
import json
import os
import random
import re
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chatkit_scaffold import launcher
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import item_text
from tests.conftest import Environment
from tests.matrix import Project
from tests.proofs.projects import SETTINGS, serve, with_stores
from tests.proofs.trace import File, Files, sent, tracing

CLIENTS, TURNS = 16, 3

_EVENT = re.compile(rb"data: (\{.*?\})\n\n")
_TITLE = re.compile(rb'"title":"(Title \d+)"')

pytestmark = with_stores("sqlite")


@dataclass(slots=True)
class Cuts:
    """A power cut at each acknowledgement.

    Attributes:
        acknowledged: The new threads' ids, texts and titles that the server has acknowledged.
        lost: Those of them that were not in what the disk had at that moment.
        flushes: How often the server flushed the write-ahead log.
    """

    acknowledged: set[str] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    flushes: int = 0


@pytest.fixture
def strace() -> None:
    """Require strace, which shows the system calls of a process on Linux."""
    if shutil.which("strace") is None:
        missing = "strace was not found; it shows the order of system calls on Linux"
        pytest.fail(missing, pytrace=False) if "CI" in os.environ else pytest.skip(missing)


@pytest.mark.usefixtures("strace")
def test_what_is_acknowledged_survives_a_power_cut(
    installed: Project,
    environment_of: Environment,
    tmp_path: Path,
    record_property: Callable[[str, str], None],
) -> None:
    """With 16 clients at once, everything is on the disk before it is acknowledged."""
    seed = secrets.randbelow(1_000_000)
    received, cuts = serve_and_cut(installed, installed.path, environment_of, tmp_path, seed)
    assert cuts.lost == [], f"seed {seed}"
    assert received <= cuts.acknowledged
    # One flush makes the writes of several clients durable.
    assert cuts.flushes < len(cuts.acknowledged)
    counted = f"{len(cuts.acknowledged)} acknowledgements, {cuts.flushes} flushes, seed {seed}"
    record_property(f"{installed.name}, power cut at each acknowledgement", counted)


@pytest.mark.usefixtures("strace")
@pytest.mark.parametrize("level", ["NORMAL", "OFF"])
def test_less_careful_settings_would_lose_it(
    installed: Project, environment_of: Environment, tmp_path: Path, level: str
) -> None:
    """If SQLite does not flush at each commit, the same power cuts lose something."""
    careless = tmp_path / "careless"
    shutil.copytree(installed.path, careless, ignore=shutil.ignore_patterns(".venv"))
    replace(careless / "app", "synchronous = FULL", f"synchronous = {level}")
    received, cuts = serve_and_cut(installed, careless, environment_of, tmp_path, seed=0)
    assert received <= cuts.acknowledged
    assert cuts.lost


def replace(folder: Path, old: str, new: str) -> None:
    """Replace the one occurrence of a text in the Python files of a folder."""
    (file,) = (path for path in folder.rglob("*.py") if old in path.read_text(encoding="utf-8"))
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def serve_and_cut(
    installed: Project, folder: Path, environment_of: Environment, tmp_path: Path, seed: int
) -> tuple[set[str], Cuts]:
    """Serve a project to 16 clients; return what they received, and the result of power cuts."""
    environment = environment_of(installed) | SETTINGS
    python, trace = tracing(launcher.project_python(installed.path), tmp_path)
    with serve(folder, environment, python=python) as server:
        received = asyncio.run(talk_at_once(server.url))
    database = environment["DATABASE_URL"].removeprefix("sqlite:///")
    return received, cut(sent(trace, server.process.pid), database, tmp_path, seed)


async def talk_at_once(url: str) -> set[str]:
    """Talk with all clients; return what was acknowledged to them."""
    received = await asyncio.gather(*(talk(url, number) for number in range(CLIENTS)))
    return set().union(*received)


async def talk(url: str, number: int) -> set[str]:
    """Have some turns in a new thread and rename it; return what was acknowledged."""
    async with Chatkit(url) as chatkit:
        turns = [await chatkit.create_thread(f"Message {number}.0")]
        thread_id = turns[0].thread_id
        assert thread_id is not None, turns[0].got
        turns += [
            await chatkit.say(thread_id, f"Message {number}.{turn}") for turn in range(1, TURNS)
        ]
        title = f"Title {number}"
        renamed = await chatkit.call("threads.update", thread_id=thread_id, title=title)
        assert renamed.ok, renamed.got
        return {thread_id, title, *(item_text(item) for turn in turns for item in turn.items)}


def cut(messages: Iterator[tuple[bytes, Files]], database: str, folder: Path, seed: int) -> Cuts:
    """Cut the power at each message that acknowledges something, and compare it with the disk."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    cuts = Cuts()
    kept, kept_since = "", -1
    for data, files in messages:
        log = files.get(f"{database}-wal", File())
        cuts.flushes = log.flushes
        if found := acknowledged(data):
            if log.safe != kept_since:
                kept, kept_since = what_is_left(files, database, folder, chance), log.safe
            cuts.acknowledged |= found
            cuts.lost += [text for text in found if f'"{text}"' not in kept]
    return cuts


def acknowledged(data: bytes) -> set[str]:
    """Return the ids of new threads, texts of finished items and titles in a message."""
    found = {title.decode() for title in _TITLE.findall(data)}
    for event in map(json.loads, _EVENT.findall(data)):
        if event["type"] == "thread.created":
            found.add(event["thread"]["id"])
        elif event["type"] == "thread.item.done":
            found.add(item_text(event["item"]))
    return found


def what_is_left(files: Files, database: str, folder: Path, chance: random.Random) -> str:
    """Return the texts that both of two power cuts leave, each in double quotes.

    One leaves nothing but what was flushed; the other also leaves some of what was not.
    """
    left = []
    for luck in (None, chance):
        copy = folder / "after-power-cut.db"
        for ending in ("", "-wal"):
            file = files.get(database + ending, File())
            Path(f"{copy}{ending}").write_bytes(file.after_power_cut(luck))
        left.append(dump(copy))
    return "\n".join(left[0] & left[1])


def dump(database: Path) -> set[str]:
    """Return all values of a database, in double quotes or as JSON."""
    try:
        with closing(sqlite3.connect(database)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            rows = [
                row
                for (table,) in tables.fetchall()
                for row in connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608
            ]
    except sqlite3.DatabaseError:  # It is damaged.
        return set()
    return {
        f'"{value}"' if value[:1] != "{" else value
        for row in rows
        for value in row
        if isinstance(value, str)
    }
