"""A run harms nothing that was there before, and says what it leaves behind."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from starlette.responses import JSONResponse

from chatkit_scaffold.conformance.check import Outcome
from chatkit_scaffold.conformance.cleanup import clean_up
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.conformance.suite import run_checks
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.client import Chatkit, user_input
from chatkit_scaffold.protocol.exchange import ids, rows
from chatkit_scaffold.protocol.guard import ReadOnlyError
from chatkit_scaffold.protocol.journal import Journal
from tests.conformance.servers import harmful, http_faults, store_faults
from tests.conformance.servers.attachments import serving_files
from tests.conformance.servers.correct import NO_FAULT, Fault, build, headers_for
from tests.conformance.servers.middleware import (
    change_requests,
    change_responses,
    respond_instead,
)
from tests.conformance.servers.serving import App, serve

TITLE = "A trip to Lisbon"
REPLACING = {"threads.update", "threads.delete", "threads.retry_after_item", "items.feedback"}
WRITING: list[dict[str, Any]] = [
    {"type": "threads.create", "params": {"input": user_input("Hello")}},
    {"type": "threads.delete", "params": {"thread_id": "thr_1"}},
    {"type": "messages.create", "params": {"text": "Hello"}},
    {"type": ["threads.create"]},
    {"type": ""},
]


def recording(operations: list[str], fault: Fault = NO_FAULT) -> App:
    """Return a server that also writes down the operations that arrive."""

    def note(body: Any) -> Any:
        operations.append(body.get("type", ""))
        return body

    return change_requests(note)(build(fault))


def check(url: str, **options: Any) -> Report:
    """Check a server with two users."""
    return run_checks(
        url,
        headers=headers_for("first"),
        other_headers=headers_for("second"),
        timeout=5.0,
        **options,
    )


async def have_a_past(url: str, user: str) -> str:
    """Let a user have a conversation with a title; return its id."""
    async with Chatkit(url, headers=headers_for(user)) as client:
        turn = await client.create_thread("Where should I stay in Lisbon?")
        thread_id = turn.thread_id
        assert thread_id is not None
        rename = {"type": "threads.update", "params": {"thread_id": thread_id, "title": TITLE}}
        assert (await client.send_raw(json.dumps(rename).encode())).ok
    return thread_id


def read(url: str, user: str, thread_id: str) -> Any:
    """Return a user's thread as JSON."""

    async def once() -> Any:
        async with Chatkit(url, headers=headers_for(user)) as client:
            return (await client.call("threads.get_by_id", thread_id=thread_id)).json

    return asyncio.run(once())


def threads_of(url: str, user: str) -> set[str]:
    """Return the ids of a user's threads."""

    async def once() -> list[str]:
        async with Chatkit(url, headers=headers_for(user)) as client:
            return ids(rows((await client.call("threads.list", limit=999)).json, "data"))

    return set(asyncio.run(once()))


@pytest.mark.parametrize("as_requested", [False, True])
@pytest.mark.parametrize("select", [(), ("threads-deleted",), ("streaming-unknown", "access")])
def test_only_conversation_survives(as_requested: bool, select: tuple[str, ...]) -> None:
    """If every id is a name of the user's only conversation, that keeps its messages and title."""
    operations: list[str] = []
    fault = Fault(patch=harmful.aliased(as_requested=as_requested))
    with serve(recording(operations, fault)) as url:
        before = {
            user: read(url, user, asyncio.run(have_a_past(url, user)))
            for user in ("first", "second")
        }
        operations.clear()
        report = check(url, select=select)
        for user, thread in before.items():
            after, old = read(url, user, thread["id"]), thread["items"]["data"]
            assert after["title"] == TITLE
            assert after["items"]["data"][: len(old)] == old
    assert not REPLACING & set(operations)
    assert report.errors == []
    assert report.leftover_threads
    if not select:
        assert "threads-unknown-refused" in {result.check.id for result in report.failures}


@pytest.mark.parametrize(
    ("operation", "check_id"),
    [
        ("threads.delete", "threads-delete-only-one"),
        ("threads.update", "threads-rename-only-one"),
        ("threads.retry_after_item", "items-retry-only-one"),
    ],
)
def test_harm_is_not_repeated(operation: str, check_id: str) -> None:
    """A run stops at the first operation that changes other threads, and blames nothing else."""
    operations: list[str] = []
    with serve(recording(operations, harmful.FAULTS[check_id])) as url:
        report = check(url)
        left = threads_of(url, "first") | threads_of(url, "second")
    assert {result.check.id for result in report.failures} == {check_id}
    assert set(report.leftover_threads) == left
    sent = operations.count(operation)
    # A retry after an item that does not exist changes nothing, and is sent as well.
    assert sent == 1 + (operation == "threads.retry_after_item")


@pytest.mark.parametrize(
    "fault",
    [
        store_faults.FAULTS["threads-deleted"],
        http_faults.FAULTS["threads-no-ghosts"],
        Fault(patch=harmful.shortens_text),
        Fault(middleware=change_responses(harmful.reads_without_items)),
        Fault(patch=harmful.forbids_deletion),
    ],
    ids=["not deleted", "ghosts", "shortened text", "no items", "refused"],
)
def test_what_is_left_is_listed(fault: Fault) -> None:
    """The report names exactly those threads of the run that the server still has."""
    with serve(build(fault)) as url:
        past = asyncio.run(have_a_past(url, "second"))
        report = check(url)
        assert threads_of(url, "first") | threads_of(url, "second") == {
            past,
            *report.leftover_threads,
        }
    assert report.leftover_reasons.keys() == set(report.leftover_threads)


def test_threads_without_items_are_deleted() -> None:
    """A server may return a thread without its items, which are read with items.list then."""
    with serve(build(Fault(middleware=change_responses(harmful.reads_without_items)))) as url:
        assert check(url, select=("streaming",)).leftover_threads == []
        assert threads_of(url, "first") == set()


def test_threads_of_all_users_are_deleted() -> None:
    """The second user's threads and a guest's are deleted, or listed with their owner."""

    async def leave_threads(url: str) -> dict[str, str]:
        first, second = (
            Chatkit(url, name=f"the {name} user", headers=headers_for(name))
            for name in ("first", "second")
        )
        target = Target(first, second, origin="http://localhost:3000", origin_is_explicit=False)
        try:
            guest = await target.client_without_credentials("a guest", headers_for("guest"))
            for user in (first, second, guest):
                assert (await user.create_thread("Hello")).thread_id
            return await clean_up(target)
        finally:
            await target.close()

    with serve(build()) as url:
        assert asyncio.run(leave_threads(url)) == {}
        assert threads_of(url, "second") | threads_of(url, "guest") == set()
    with serve(build(store_faults.FAULTS["threads-deleted"])) as url:
        left = asyncio.run(leave_threads(url))
        assert threads_of(url, "guest") <= left.keys()
    why = "threads.delete has no effect"
    assert [*left.values()] == [
        f"{why}; belongs to {user}" for user in ("the first user", "the second user", "a guest")
    ]


@pytest.mark.parametrize("kept", [False, True], ids=["deleted", "kept"])
def test_attachments_are_deleted_or_listed(kept: bool) -> None:
    """The files of a run do not stay on the server unnoticed."""

    def declines(request: Any, _: Any) -> Any:
        is_deletion = isinstance(request, dict) and request.get("type") == "attachments.delete"
        return JSONResponse({"detail": "not allowed"}, 403) if kept and is_deletion else None

    fault = Fault(patch=serving_files(), middleware=respond_instead(declines))
    with serve(build(fault)) as url:
        report = check(url, select=("items-attachments-kept",))
    files = [one for one in report.leftover_threads if one.startswith("attachment ")]
    assert bool(files) is kept
    assert all("returns 403" in report.leftover_reasons[one] for one in files)


@pytest.mark.quick
def test_read_only() -> None:
    """With `read_only`, nothing arrives that may write, and what only reads is checked."""
    operations: list[str] = []
    with serve(recording(operations)) as url:
        report = check(url, read_only=True)
        assert threads_of(url, "first") == set()
    assert report.errors == []
    assert set(operations) <= {"threads.list", "threads.get_by_id", "items.list", ""}
    passed = {one.check.id for one in report.results if one.outcome is Outcome.PASSED}
    assert passed >= {
        "requests-broken-json-refused",
        "requests-extras-tolerated",
        "requests-huge-refused",
        "requests-listed",
        "requests-no-internals",
        "requests-wrong-types-refused",
        "threads-unknown-is-404",
        "threads-unknown-refused",
        "transport-cors-errors",
        "transport-cors-preflight",
        "transport-cors-strangers",
        "transport-reachable",
    }
    others = [one for one in report.results if one.check.id not in passed]
    assert {one.outcome for one in others} == {Outcome.SKIPPED}
    reasons = Counter(one.reason for one in others)
    assert reasons.most_common(1)[0][0] == "it writes, and --read-only was passed"


@pytest.mark.parametrize("body", WRITING)
def test_read_only_sends_no_other_body(body: dict[str, Any]) -> None:
    """No operation is sent that may write, however it is put into a request."""
    operations: list[str] = []

    async def send(url: str) -> None:
        async with Chatkit(url, journal=Journal(read_only=True)) as user:
            with pytest.raises(ReadOnlyError):
                await user.send_raw(json.dumps(body).encode())
            with pytest.raises(ReadOnlyError):
                await user.request(str(body["type"]), body.get("params"))

    with serve(recording(operations)) as url:
        asyncio.run(send(url))
    assert operations == []
