"""What the checks say about the right server, and about code that people copy."""

# ruff: noqa: ARG001, ARG005 - a fault has the signature of what it replaces

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from chatkit.types import Page

from chatkit_scaffold.conformance.check import Outcome
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.conformance.suite import run_checks
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import ids, rows
from tests.conformance.servers import hand_routed, quickstart, tamper, tutorial
from tests.conformance.servers.correct import NO_FAULT, Fault, Parts, build, headers_for
from tests.conformance.servers.inner_faults import remembering, responding
from tests.conformance.servers.serving import App, serve
from tests.conformance.servers.tamper import Json


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


def test_the_right_server_passes() -> None:
    """Nothing fails, and only what cannot apply is skipped."""
    report = check(build())
    assert failed(report) == set()
    assert {result.check.id for result in report.results if result.outcome is Outcome.SKIPPED} == {
        "memory-newest-answered",
        "memory-first-remembered",
        "access-attachments-separate",
    }
    assert report.counts[Outcome.UNTESTABLE] == 0
    assert report.leftover_threads == []
    assert report.seconds < 10
    assert report.requests < 300
    assert report.exit_status(strict=True) == 0


def test_nothing_is_left_behind() -> None:
    """The threads that the checks made are removed, those which were there before stay."""

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
    """The second seed's real faults are named, the one that breaks everything first."""
    report = check(tutorial.app, "/agent/chatkit")
    assert failed(report) == {
        "requests-listed",
        "streaming-unknown-attachment",
        "streaming-unknown-item",
        "streaming-unknown-thread",
        "streaming-updates-wrapped",
    }
    assert report.most_important()[0].check.id == "requests-listed"
    assert report.exit_status() == 1


def test_quickstart() -> None:
    """The quickstart's real faults are named, and what it does right is not."""
    found = failed(check(quickstart.build()))
    assert found == {
        "access-credentials-needed",
        "access-list-separate",
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
        "threads-unknown-is-404",
        "transport-not-buffered",
        "transport-not-cached",
    }


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        (hand_routed.first_seed, "transport-event-stream-type"),
        (hand_routed.completions_dialect, "transport-event-types"),
        (hand_routed.line_delimited, "transport-event-framing"),
    ],
    ids=["first seed", "completions", "json lines"],
)
def test_backends_without_the_sdk(app: object, expected: str) -> None:
    """A backend routed by hand gets a verdict too, and its mistake is among the first."""
    report = check(app())  # type: ignore[operator]
    assert expected in failed(report)
    assert report.exit_status() == 1


def _capped(parts: Parts) -> None:
    """Return at most two rows of a page, whatever the limit."""
    threads, items = parts.store.load_threads, parts.store.load_thread_items

    async def load_threads(limit: int, after: str, order: str, context: object) -> Page[object]:
        page: Page[object] = await threads(min(limit, 2), after, order, context)
        return page

    async def load_thread_items(
        thread_id: str, after: str, limit: int, order: str, context: object
    ) -> Page[object]:
        page: Page[object] = await items(thread_id, after, min(limit, 20), order, context)
        return page

    parts.store.load_threads, parts.store.load_thread_items = load_threads, load_thread_items


def _only_what_is_needed(event: Json) -> list[Json]:
    """Leave every optional event and member out."""
    optional = ("stream_options", "thread.updated", "progress_update")
    return [] if event["type"] in optional else [event]


def _counted_ids(parts: Parts) -> None:
    """Number threads and items from one."""
    numbers = iter(range(1, 10_000))
    parts.store.generate_thread_id = lambda context: str(next(numbers))
    parts.store.generate_item_id = lambda kind, thread, context: str(next(numbers))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(inside=_capped),
        Fault(outside=tamper.events(_only_what_is_needed)),
        Fault(inside=_counted_ids),
        Fault(inside=remembering(lambda items: items)),
        NO_FAULT,
    ],
    ids=["limit capped", "optional events missing", "ids counted", "no deltas", "as it is"],
)
def test_no_false_alarm(fault: Fault) -> None:
    """Other ways of being right are right as well."""
    assert failed(check(build(fault))) == set()


def test_a_slow_first_word_is_fine() -> None:
    """A model may think for most of the time limit before its first word."""

    async def late(turn: Any, events: AsyncIterator[Any]) -> AsyncIterator[Any]:
        await asyncio.sleep(0.8)
        async for event in events:
            yield event

    with serve(build(Fault(inside=responding(late)))) as url:
        report = run_checks(
            url,
            headers=headers_for("first"),
            timeout=1.2,
            select=["transport", "streaming", "threads-read-as-streamed"],
        )
    assert failed(report) == set()
