"""The root cause of a failure: a server error is never taken for what a check looks for."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response

from chatkit_scaffold.conformance.check import Outcome
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.conformance.suite import run_checks
from tests.conformance.servers import agent_faults
from tests.conformance.servers.agent_faults import responding
from tests.conformance.servers.correct import Fault, build, headers_for
from tests.conformance.servers.http_faults import operation
from tests.conformance.servers.middleware import Json, change_events, respond_instead
from tests.conformance.servers.server_errors import MISTAKES, Mistake
from tests.conformance.servers.serving import Message, serve

SELECTED = (
    "requests-no-server-errors",
    "requests-all-understood",
    "threads-deleted",
    "items-retry-answers",
)


def run(fault: Fault, *select: str) -> Report:
    """Check a server with a fault."""
    with serve(build(fault)) as url:
        return run_checks(
            url,
            headers=headers_for("first"),
            other_headers=headers_for("second"),
            timeout=1.0,
            select=select,
        )


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=list(MISTAKES))
def test_fix_names_the_mistake(mistake: Mistake) -> None:
    """A server error is the first thing to fix, and its usual causes include the mistake."""
    with serve(mistake.build()) as url:
        report = run_checks(url, timeout=5.0, select=SELECTED)
    first = report.most_important()[0]
    assert first.name == f"the server failed on {mistake.operation}"
    assert "its log has the traceback" in first.first.fix
    assert mistake.named in first.first.fix


def test_message_of_the_exception_decides() -> None:
    """If the response shows which of the usual causes it is, the fix names only that one."""
    shown = "load_threads() got an unexpected keyword argument 'order'"

    def choose(request: Json, _: Message) -> Response | None:
        is_list = operation(request) == "threads.list"
        return JSONResponse({"error": shown}, 500) if is_list else None

    report = run(Fault(middleware=respond_instead(choose)), "requests-listed")
    fix = report.failures[0].fix
    assert "The response shows the cause: `Store.load_threads` lacks a parameter" in fix
    assert "Usual causes" not in fix


@pytest.mark.parametrize(
    ("name", "kind", "named"),
    [
        ("threads.get_by_id", "NonStreamingResult", "the route encodes the result itself"),
        ("threads.update", "datetime", "the store passes datetimes to `json.dumps`"),
    ],
)
def test_message_names_an_unusual_cause(name: str, kind: str, named: str) -> None:
    """A cause that the response shows is named, even if it is not usual for the operation."""
    shown = f"Object of type {kind} is not JSON serializable"

    def choose(request: Json, _: Message) -> Response | None:
        return JSONResponse({"error": shown}, 500) if operation(request) == name else None

    report = run(Fault(middleware=respond_instead(choose)), "requests-all-understood")
    assert f"The response shows the cause: {named}" in report.failures[0].fix


def test_errors_of_a_gateway_have_another_log() -> None:
    """A 504 comes from the proxy, so the fix does not send its reader to a traceback."""

    def choose(request: Json, _: Message) -> Response | None:
        is_list = operation(request) == "threads.get_by_id"
        return HTMLResponse("<h1>Gateway Time-out</h1>", 504) if is_list else None

    report = run(Fault(middleware=respond_instead(choose)), "requests-all-understood")
    assert {result.cause for result in report.failures} == {
        "the server failed on threads.get_by_id"
    }
    assert "usually comes from the proxy" in report.failures[0].fix
    assert "traceback" not in report.failures[0].fix


def test_client_error_keeps_the_checks_own_fix() -> None:
    """A 404 with HTML is not a server error: the route is missing or guarded."""

    def choose(request: Json, _: Message) -> Response | None:
        is_update = operation(request) == "threads.update"
        return HTMLResponse("<h1>Not Found</h1>", 404) if is_update else None

    report = run(Fault(middleware=respond_instead(choose)), "requests-all-understood")
    (failure,) = report.failures
    assert failure.cause == ""
    assert failure.fix == failure.check.fix


def test_server_error_for_a_broken_body_keeps_the_checks_own_fix() -> None:
    """A check of errors knows best why a broken body gets a 500, if nothing else does."""

    def choose(request: Json, scope: Message) -> Response | None:
        is_broken = request is None and scope["method"] == "POST"
        return JSONResponse({"detail": "Internal Server Error"}, 500) if is_broken else None

    report = run(Fault(middleware=respond_instead(choose)), "requests-broken-json-refused")
    (failure,) = report.failures
    assert failure.cause == ""
    assert failure.fix == failure.check.fix


def test_errors_are_not_judged_where_ordinary_requests_fail() -> None:
    """Where reading a thread always fails, reading an unknown one shows nothing more."""
    with serve(MISTAKES["load_thread_items without order"].build()) as url:
        report = run_checks(url, timeout=5.0)
    causes = {result.check.id: result.cause for result in report.failures}
    assert causes["threads-read-after-first-turn"] == "the server failed on threads.get_by_id"
    assert causes["threads-unknown-is-404"] == "the server failed on threads.get_by_id"


def test_torn_streams_are_one_cause() -> None:
    """Streams that break off in the answer have one cause, which is not in the store."""
    torn = change_events(lambda event: [event], cut_off=True)
    report = run(Fault(middleware=torn))
    (cause,) = report.root_causes()
    assert cause.name == "the server breaks off its answers"
    assert "your own loop around the SDK's events" in cause.first.fix
    assert "streaming-ends" in cause.explains


def test_streams_that_end_with_an_error_event_are_not_torn() -> None:
    """An answer that fails ends with an `error` event, and the stream itself is in order."""

    def failing(event: Json) -> list[Json]:
        is_answer = event["type"].startswith("thread.item.") and (
            event.get("item", {}).get("type") != "user_message"
        )
        end = {"type": "error", "code": "stream.error", "allow_retry": True}
        return (
            [end] if is_answer and event["type"].endswith(".done") else [] if is_answer else [event]
        )

    report = run(Fault(middleware=change_events(failing)), "streaming", "transport")
    assert "streaming-answer-arrives" in {result.check.id for result in report.failures}
    assert {result.cause for result in report.failures} == {""}
    ends = next(one for one in report.results if one.check.id == "streaming-ends")
    assert ends.outcome is Outcome.PASSED


def _never_ending(_: Any, events: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async def changed() -> AsyncIterator[Any]:
        async for event in events:
            yield event
        await asyncio.sleep(30)

    return changed()


def test_endless_streams_are_one_cause() -> None:
    """If no stream ends, this comes first, and no check blames what it looks for."""
    report = run(
        Fault(patch=responding(_never_ending)), "requests-all-understood", "streaming-ends"
    )
    (cause,) = report.root_causes()
    assert cause.name == "the server does not end its streams"
    assert "return from `respond` when the answer is complete" in cause.first.fix
    assert {"requests-all-understood", "streaming-ends"} <= {
        cause.first.check.id,
        *cause.explains,
    }


def test_stream_that_stalls_for_another_reason_keeps_the_checks_own_fix() -> None:
    """Where other streams end, a turn that waits forever after a stop waits for a lock."""
    report = run(agent_faults.FAULTS["items-turn-after-stop"], "items-turn-after-stop")
    (failure,) = report.failures
    assert failure.cause == ""
    assert failure.fix == failure.check.fix


@pytest.mark.parametrize("name", ["threads.list", "threads.create", "threads.add_user_message"])
def test_no_other_check_is_blamed_for_a_server_error(name: str) -> None:
    """All that fails or is untestable has the cause, except checks of errors themselves."""

    def choose(request: Json, _: Message) -> Response | None:
        fails = operation(request) == name
        return JSONResponse({"detail": "Internal Server Error"}, 500) if fails else None

    report = run(Fault(middleware=respond_instead(choose)))
    cause = f"the server failed on {name}"
    others = [
        result.check.id
        for result in report.failures
        if result.cause != cause and not result.check.judges_errors
    ]
    assert others == []
    assert report.untestable_by_cause().keys() <= {cause}
