"""What is exported from one store is in another one after the import, as it was."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from io import BytesIO, StringIO
from typing import Any

import pytest

from app import transfer
from app.base import ChatStore, RequestContext, User
from app.entries import Entry, Header, Item, Section, Tally, Thread
from app.errors import StartupError
from app.sections import open_sections
from app.store import StoreSettings, open_store
from app.transfer import Outcome, Progress, export_to, import_from
from tests.backend import bare_environment
from tests.store.samples import ANNA, BERT, item_ids, make_message, make_thread, read_all
from tests.store.test_odd_ids import IDS, save_threads

pytestmark = pytest.mark.anyio

ODD_TEXT = "a\0b\n\u2028\r\t\x1b\x7f{}\\\"'\N{SLEUTH OR SPY}e\N{COMBINING ACUTE ACCENT}"
FOOTER = '\n{"type":"footer","counts":{},"digest":"","checksum":""}\n'
THREADS = 4
"""How many threads `fill` saves."""
OLD = RequestContext(User("Zo\N{SLEUTH OR SPY}"), request_id="req_3")


@pytest.fixture
def other_env(store_service: Callable[[], dict[str, str]]) -> dict[str, str]:
    """Environment of another empty store."""
    return store_service()


@pytest.fixture
async def other(
    store: ChatStore, other_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ChatStore]:
    """Another empty store; from now on, the environment is its own."""
    for name, value in other_env.items():
        monkeypatch.setenv(name, value)
    async with open_store(StoreSettings()) as opened:
        yield opened


@asynccontextmanager
async def sections(environment: dict[str, str]) -> AsyncIterator[Sequence[Section]]:
    """Open the parts of a store."""
    settings = StoreSettings.model_validate(
        {name.lower(): environment[name] for name in environment}
    )
    async with open_sections(settings) as opened:
        yield opened


async def export(environment: dict[str, str]) -> bytes:
    """Return the export of a store."""
    file = BytesIO()
    async with sections(environment) as opened:
        await export_to(file, opened, Progress(StringIO()))
    return file.getvalue()


async def load(environment: dict[str, str], file: bytes, *, resume: bool = False) -> Outcome:
    """Import into a store."""
    async with sections(environment) as opened:
        return await import_from(BytesIO(file), opened, Progress(StringIO()), resume=resume)


async def fill(store: ChatStore) -> None:
    """Save conversations of several users, with odd texts."""
    await store.save_thread(make_thread("thr_anna"), ANNA)
    await store.add_thread_item("thr_anna", make_message("1"), ANNA)
    for context in (BERT, OLD):
        await store.save_thread(make_thread(f"thr {context.user_id}", ODD_TEXT[3:]), context)
    await store.save_thread(make_thread("thr_empty"), ANNA)
    await store.add_thread_item("thr bert", make_message("1", ODD_TEXT, "thr bert"), BERT)
    await store.add_thread_item("thr bert", make_message("gone", "x", "thr bert"), BERT)
    await store.add_thread_item("thr bert", make_message("2", FOOTER, "thr bert"), BERT)
    await store.delete_thread_item("thr bert", "gone", BERT)
    await store.save_feedback("thr bert", ["2"], "negative", BERT)


RATED = [
    Item(
        type="item",
        user="anna",
        thread="thr_anna",
        place=place,
        id=str(place),
        feedback="positive",
        rated_at=datetime(2026, 3, 29, 2, 30, 0, 123456 * (place - 1), tzinfo=UTC),
        value=make_message(str(place)).model_dump(mode="json"),
    )
    for place in (1, 2)
]
"""Items with feedback of different times."""


def odd_title(title: str) -> Thread:
    """Return Anna's thread with any title."""
    value = make_thread("thr_anna").model_dump(mode="json", exclude={"title"})
    return Thread(type="thread", user="anna", id="thr_anna", title=title, value=value)


def make_file(*entries: Entry) -> bytes:
    """Return an export of entries."""
    header = Header(type="header", format="chatkit-backend", version=1).line()
    tally = Tally(header)
    for entry in entries:
        tally.add(entry, entry.line())
    return header + b"".join(entry.line() for entry in entries) + tally.footer().line()


async def test_everything_is_moved(
    store: ChatStore, other: ChatStore, store_env: dict[str, str], other_env: dict[str, str]
) -> None:
    """Threads, items and feedback are the same and in the same order, and so is their export."""
    await fill(store)
    await save_threads(store)
    file = await export(store_env)
    outcome = await load(other_env, file)
    for context in (ANNA, BERT, OLD):
        assert await read_all(other, context) == await read_all(store, context)
    assert await export(other_env) == file
    assert outcome.counts["threads"] == len(IDS) + THREADS
    assert not outcome.found


async def test_conversations_go_on(
    store: ChatStore, other: ChatStore, store_env: dict[str, str], other_env: dict[str, str]
) -> None:
    """What comes after the import is behind what was imported."""
    await fill(store)
    await load(other_env, await export(store_env))
    await other.add_thread_item("thr bert", make_message("3", "", "thr bert"), BERT)
    await other.save_thread(make_thread("thr new"), BERT)
    page = await other.load_thread_items("thr bert", "2", 10, "asc", BERT)
    assert [item.id for item in page.data] == ["3"]
    threads = await other.load_threads(10, None, "desc", BERT)
    assert [thread.id for thread in threads.data] == ["thr new", "thr bert"]
    await other.rename_thread("thr bert", "New", BERT)
    await other.delete_thread("thr bert", BERT)
    assert [thread.id for thread, _, _ in await read_all(other, BERT)] == ["thr new"]


async def test_long_threads_and_many_threads(
    store: ChatStore, other: ChatStore, store_env: dict[str, str], other_env: dict[str, str]
) -> None:
    """More than is read at once keeps its order."""
    await store.save_thread(make_thread("thr_anna"), ANNA)
    names = [f"item_{number}" for number in range(60)]
    for name in names:
        await store.add_thread_item("thr_anna", make_message(name), ANNA)
    for number in range(60):
        await store.save_thread(make_thread(f"thr_{number}"), BERT)
    file = await export(store_env)
    await load(other_env, file)
    assert await item_ids(other) == names
    assert await read_all(other, BERT) == await read_all(store, BERT)


async def test_empty_store_is_moved(
    store: ChatStore, other: ChatStore, store_env: dict[str, str], other_env: dict[str, str]
) -> None:
    """An export of nothing is whole, and leaves a store empty."""
    file = await export(store_env)
    assert len(file.splitlines()) == 2
    await load(other_env, file)
    assert await load(other_env, file) == await load(other_env, file, resume=True)


@pytest.fixture
async def file(store: ChatStore, store_env: dict[str, str]) -> bytes:
    """An export of odd conversations, which one batch can hold."""
    await fill(store)
    return await export(store_env)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a few entries at once."""
    monkeypatch.setattr(transfer, "BATCH_LINES", 3)


@pytest.mark.usefixtures("other", "small_batches")
@pytest.mark.parametrize("lines", [1, 3, 4, 6, 7])
async def test_import_is_resumed(file: bytes, other_env: dict[str, str], lines: int) -> None:
    """An import that broke off is continued with its file; nothing is missing or there twice."""
    cut = b"".join(file.splitlines(keepends=True)[:lines]) + b'{"type":"it'
    with pytest.raises(StartupError, match="the file is cut off after") as error:
        await load(other_env, cut)
    assert ("--resume" in str(error.value)) == (lines > 3)
    if lines > 3:
        with pytest.raises(StartupError, match="the store is not empty"):
            await load(other_env, file)
    outcome = await load(other_env, file, resume=True)
    assert outcome.found == (lines - 1) // 3 * 3
    assert await export(other_env) == file
    again = await load(other_env, file, resume=True)
    assert again.found == again.counts.total()
    assert await export(other_env) == file


@pytest.mark.usefixtures("small_batches")
async def test_other_data_is_not_overwritten(
    file: bytes, other: ChatStore, other_env: dict[str, str]
) -> None:
    """A thread that has changed since ends a resumed import; one that is not in the file stays."""
    await load(other_env, file)
    await other.save_thread(make_thread("thr_own"), BERT)
    await load(other_env, file, resume=True)
    await other.rename_thread("thr bert", "Mine", BERT)
    with pytest.raises(StartupError, match="the store has another 'thread thr bert'"):
        await load(other_env, file, resume=True)
    titles = [thread.title for thread, _, _ in await read_all(other, BERT)]
    assert titles == ["Mine", None]


def with_header(file: bytes, **changes: Any) -> bytes:
    """Return a file with a changed header."""
    header, rest = file.split(b"\n", 1)
    return json.dumps(json.loads(header) | changes).encode() + b"\n" + rest


REFUSED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nothing": (lambda _: b"", "standard input is empty"),
    "another kind of file": (lambda _: b"\x89PNG\r\n" + bytes(5000), "does not begin like"),
    "another format": (lambda file: with_header(file, format="other"), "does not begin like"),
    "without its header": (lambda file: file.split(b"\n", 1)[1], "does not begin like"),
    "a newer format": (lambda file: with_header(file, version=2, more=1), "has version 2 of"),
    "cut off at a line's end": (lambda file: file[: file.rindex(b"\n", 0, -1) + 1], "is cut off"),
    "cut off in a line": (lambda file: file[: len(file) // 2], "is cut off after"),
    "an edited text": (lambda file: file.replace(b"bert", b"Bert", 1), "changed or damaged"),
    "an edited count": (lambda file: file.replace(b'"items":', b'"items":1'), "changed or damaged"),
    "a place that is too great": (
        lambda file: file.replace(b'"place":1,', b'"place":2147483648,', 1),
        "place: Input should be less than 2147483648",
    ),
    "a place that is possible": (
        lambda file: file.replace(b'"place":1,', b'"place":2147483647,', 1),
        "changed or damaged",
    ),
    "a line less": (
        lambda file: b"\n".join(file.split(b"\n")[:3] + file.split(b"\n")[4:]),
        "chang",
    ),
    "a line of another kind": (lambda file: file.replace(b"\n", b"\n{}\n", 1), "line 2 is not"),
    "an empty line": (lambda file: file.replace(b"\n", b"\n\n", 1), "line 2 is not"),
    "two files": (lambda file: file * 2, "goes on after its footer"),
}


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize(("change", "reason"), REFUSED.values(), ids=REFUSED)
async def test_wrong_file_is_refused(
    file: bytes, other_env: dict[str, str], change: Callable[[bytes], bytes], reason: str
) -> None:
    """One sentence says what is wrong, and nothing of a file with one batch is written."""
    with pytest.raises(StartupError, match=reason):
        await load(other_env, change(file))
    assert len((await export(other_env)).splitlines()) == 2


@pytest.mark.usefixtures("other")
async def test_missing_line_end_does_not_matter(file: bytes, other_env: dict[str, str]) -> None:
    """An editor or a shell may have removed the last one."""
    await load(other_env, file.removesuffix(b"\n"))
    assert await export(other_env) == file


async def test_unknown_kinds_are_counted(
    store: ChatStore, other: ChatStore, store_env: dict[str, str], other_env: dict[str, str]
) -> None:
    """What the target has no section for is left out, and reported."""
    await fill(store)
    file = BytesIO(await export(store_env))
    async with sections(other_env) as opened:
        without = [section for section in opened if Thread not in section.kinds]
        outcome = await import_from(file, without, Progress(StringIO()), resume=False)
    assert outcome.lost["threads"] == THREADS
    assert await read_all(other, BERT) == []


Command = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def command(agent_env: dict[str, str], auth_env: dict[str, str]) -> Command:
    """Return a function that starts a command of the backend with a store."""

    def start(store_env: dict[str, str], *words: str, **streams: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "app", *words],
            env={**bare_environment(), **store_env, **agent_env, **auth_env},
            stderr=subprocess.PIPE,
            **streams,
        )

    return start


async def test_commands_in_a_pipe(
    store: ChatStore, store_env: dict[str, str], other_env: dict[str, str], command: Command
) -> None:
    """`export | import` moves everything; a reader that goes away early is no error message."""
    await fill(store)
    exporting = command(store_env, "export", stdout=subprocess.PIPE)
    importing = command(other_env, "import", stdin=exporting.stdout)
    assert exporting.stdout is not None
    exporting.stdout.close()
    reader, writer = os.pipe()
    broken = command(store_env, "export", stdout=writer)
    os.close(writer)
    os.close(reader)
    refused = command(other_env, "import", stdin=subprocess.DEVNULL)
    reports = [process.communicate()[1].decode() for process in (exporting, importing)]
    assert [exporting.returncode, importing.returncode] == [0, 0], reports
    digests = {report.rpartition("digest ")[2] for report in reports}
    assert len(digests) == 1
    assert f"{THREADS} threads" in reports[1]
    assert await export(other_env) == await export(store_env)
    assert broken.communicate()[1] == b""
    assert broken.returncode == 1
    assert refused.communicate()[1].startswith(b"error: standard input is empty")
    assert refused.returncode == 2
