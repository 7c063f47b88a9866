"""The checks of a correct server, of correct variants, and of code that people copy."""

# ruff: noqa: ARG001 - a fault has the signature of what it replaces

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from chatkit_scaffold.conformance.check import Outcome
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.conformance.suite import run_checks
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import ids, rows
from tests.conformance.servers import (
    access_faults,
    hand_routed,
    middleware,
    quickstart,
    times,
    tutorial,
)
from tests.conformance.servers.agent_faults import responding
from tests.conformance.servers.catalogue import ODD
from tests.conformance.servers.correct import Fault, build, headers_for
from tests.conformance.servers.serving import App, serve


def failed(report: Report) -> set[str]:
    """Return the ids of the checks that failed."""
    assert report.errors == []
    assert report.unfinished == ""
    return {result.check.id for result in report.failures}


def check(app: App, path: str = "/chatkit") -> Report:
    """Check a server with two users."""
    with serve(app, path) as url:
        return run_checks(
            url,
            headers=headers_for("first"),
            other_headers=headers_for("second"),
            timeout=5.0,
        )


def test_correct_server_passes() -> None:
    """No check fails, and only those that do not apply are skipped."""
    report = check(build())
    assert failed(report) == set()
    assert {result.check.id for result in report.results if result.outcome is Outcome.SKIPPED} == {
        "memory-previous-remembered",
        "memory-newest-answered",
        "memory-first-remembered",
        "items-attachments-kept",
        "items-attachments-deleted",
        "access-attachments-separate",
    }
    assert report.counts[Outcome.UNTESTABLE] == 0
    assert report.leftover_threads == []
    assert report.requests < 250
    assert report.exit_status(strict=True) == 0


def test_times_without_offset_are_a_warning() -> None:
    """The SDK itself sends them: they are reported, but only `--strict` fails."""
    with serve(build(Fault(patch=times.writing(times.naive)))) as url:
        report = run_checks(url, headers=headers_for("first"), select=("threads-created-at",))
    assert failed(report) == {"threads-created-at-offset"}
    assert report.exit_status() == 0
    assert report.exit_status(strict=True) == 1


def test_unix_times_are_no_verdict() -> None:
    """Seconds since 1970 are the same in every zone; another check says that they are not ISO."""
    with serve(build(Fault(patch=times.writing(times.unix)))) as url:
        report = run_checks(
            url,
            headers=headers_for("first"),
            select=("threads-created-at", "streaming-items-complete"),
        )
    assert failed(report) == {"streaming-items-complete"}
    outcomes = {result.check.id: result.outcome for result in report.results}
    assert outcomes["threads-created-at-offset"] is Outcome.SKIPPED
    assert outcomes["threads-created-at-stable"] is Outcome.SKIPPED


def test_rate_limit_is_no_verdict() -> None:
    """A server that refuses further messages is not reported as one with many faults."""
    report = check(build(Fault(settings={"rate_limit": "5/minute"})))
    assert report.failures == []
    assert "rate limited (status 429)" in {result.reason for result in report.results}
    assert report.exit_status(strict=False) == 2


def cookie_for(user: str) -> dict[str, str]:
    """Return a user's credentials as a cookie, next to one that is none."""
    return {"Cookie": f"theme=dark; token={headers_for(user)['Authorization'].split()[1]}"}


def test_correct_server_with_cookies_passes() -> None:
    """Users who sign in with a cookie are checked like those who send a header."""
    with serve(build(Fault(middleware=middleware.sign_in_by_cookie))) as url:
        report = run_checks(
            url, headers=cookie_for("first"), other_headers=cookie_for("second"), select=("access",)
        )
    assert failed(report) == set()
    skipped = {result.check.id for result in report.results if result.outcome is Outcome.SKIPPED}
    assert skipped == {"access-attachments-separate"}


@pytest.mark.parametrize(
    "check_id", ["access-garbage-refused", "access-unsigned-refused", "access-altered-refused"]
)
def test_wrong_cookies_are_tried(check_id: str) -> None:
    """A server that accepts a wrong cookie fails like one that accepts a wrong header."""
    fault = replace(access_faults.FAULTS[check_id], middleware=middleware.sign_in_by_cookie)
    with serve(build(fault)) as url:
        report = run_checks(url, headers=cookie_for("first"), select=(check_id,))
    assert failed(report) == {check_id}


def test_run_deletes_its_own_threads() -> None:
    """The threads that the checks create are deleted; earlier threads stay."""

    async def threads(url: str) -> list[str]:
        async with Chatkit(url, headers=headers_for("first")) as user:
            if not (await user.call("threads.list", limit=99)).json["data"]:
                await user.create_thread("Mine")
            return ids(rows((await user.call("threads.list", limit=99)).json, "data"))

    with serve(build()) as url:
        before = asyncio.run(threads(url))
        run_checks(url, headers=headers_for("first"), timeout=5.0)
        assert asyncio.run(threads(url)) == before


def test_tutorial() -> None:
    """Exactly the tutorial's faults fail, and the report starts with the one that matters most."""
    report = check(tutorial.app, "/agent/chatkit")
    assert failed(report) == {
        "requests-attachments-answered",
        "requests-broken-json-refused",
        "requests-huge-refused",
        "requests-listed",
        "requests-no-internals",
        "requests-no-server-errors",
        "requests-transcription-answered",
        "requests-unknown-refused",
        "requests-wrong-types-refused",
        "streaming-unknown-attachment",
        "streaming-unknown-thread",
        "streaming-updates-wrapped",
        "threads-read-after-first-turn",
        "threads-unknown-is-404",
    }
    first, second, third = report.most_important()
    assert first.first.check.id == "requests-listed"
    # As no result is JSON, no thread can be read either, which a check has to do before a retry.
    assert "streaming-unknown-item" in second.explains
    for cause in (first, second):
        assert "return `result.json` as it is" in cause.first.fix
    assert third.name == "streaming-updates-wrapped"
    assert report.exit_status() == 1


def test_quickstart() -> None:
    """Exactly the quickstart's faults fail."""
    assert failed(check(quickstart.build())) == {
        "access-credentials-needed",
        "access-delete-separate",
        "access-list-separate",
        "access-read-separate",
        "access-rename-separate",
        "access-retry-separate",
        "access-write-separate",
        "items-ids-long",
        "items-tool-output-unasked",
        "memory-newest-answered",
        "requests-actions-answered",
        "requests-attachments-answered",
        "requests-broken-json-refused",
        "requests-huge-refused",
        "requests-transcription-answered",
        "requests-unknown-refused",
        "requests-wrong-types-refused",
        "streaming-unknown-attachment",
        "streaming-unknown-item",
        "streaming-unknown-thread",
        "threads-created-at-offset",
        "threads-unknown-is-404",
        "transport-not-buffered",
        "transport-not-cached",
    }


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        (hand_routed.json_only, "transport-event-stream-type"),
        (hand_routed.completion_chunks, "transport-event-types"),
        (hand_routed.json_lines, "transport-event-framing"),
    ],
    ids=["json only", "completion chunks", "json lines"],
)
def test_backends_without_the_sdk(app: object, expected: str) -> None:
    """A backend without the SDK gets a verdict too, and its fault is found."""
    report = check(app())  # type: ignore[operator]
    assert expected in failed(report)
    assert report.exit_status() == 1


@pytest.mark.parametrize("fault", ODD.values(), ids=list(ODD))
def test_correct_variants_pass(fault: Fault) -> None:
    """No check fails on a server that is correct in another way."""
    assert failed(check(build(fault))) == set()


def test_slow_first_delta_passes() -> None:
    """A model may take most of the timeout before its first delta."""

    async def late(turn: Any, events: AsyncIterator[Any]) -> AsyncIterator[Any]:
        await asyncio.sleep(0.8)
        async for event in events:
            yield event

    with serve(build(Fault(patch=responding(late)))) as url:
        report = run_checks(
            url,
            headers=headers_for("first"),
            timeout=1.2,
            select=["transport", "streaming", "threads-read-as-streamed"],
        )
    assert failed(report) == set()
