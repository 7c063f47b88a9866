"""Warnings are what `check` says about the same responses, and nothing else."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatkit_scaffold.conformance import views
from chatkit_scaffold.conformance.check import Outcome
from chatkit_scaffold.conformance.families import REGISTRY
from chatkit_scaffold.conformance.recorded import judge
from chatkit_scaffold.conformance.suite import run_checks
from chatkit_scaffold.play.history import History
from chatkit_scaffold.protocol.client import Chatkit, user_input
from chatkit_scaffold.protocol.event_stream import Event
from chatkit_scaffold.protocol.exchange import Exchange, ids
from tests.conformance.servers import quickstart
from tests.conformance.servers.catalogue import FAULTS, ODD
from tests.conformance.servers.correct import NO_FAULT, Fault, build, headers_for
from tests.conformance.servers.serving import App, serve
from tests.play.client import Answer, Page, playing

LONG = "Please repeat: " + "one two three four five six seven eight nine ten " * 20


def use(page: Page) -> Iterator[Answer]:
    """Do what users do: two messages, with the thread read after each, a retry, a long answer."""
    yield page.send("threads.list", limit=9999, order="desc")
    first = page.create("Hello! Please answer in three words.")
    yield first
    created = [event for event in first.events if event.get("type") == "thread.created"]
    if not created:
        return
    thread_id = created[0]["thread"]["id"]
    yield page.send("threads.get_by_id", thread_id=thread_id)
    second = page.say(thread_id, "Thanks. And once more, please.")
    yield second
    yield page.send("threads.get_by_id", thread_id=thread_id)
    items = [event["item"] for event in second.events if event.get("type") == "thread.item.done"]
    messages = ids([item for item in items if item["type"] == "user_message"])
    if messages:
        yield page.send("threads.retry_after_item", thread_id=thread_id, item_id=messages[-1])
    yield page.send("threads.list", limit=20, order="desc")
    yield page.create(LONG)


def fast(fault: Fault) -> Fault:
    """Return a fault of a server that answers faster, but not at once."""
    return replace(fault, settings={"echo_delay": 0.003, **fault.settings})


def warned(app: App) -> dict[str, tuple[str, dict[str, Any]]]:
    """Use a backend; return the warnings by check, with the operation of the first of each."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    with serve(app) as url, playing(url, headers_for("first")) as page:
        for answer in use(page):
            for check_id, warning in answer.warnings.items():
                found.setdefault(check_id, (answer.about["operation"], warning))
    return found


@pytest.mark.parametrize("fault", [NO_FAULT, *ODD.values()], ids=["correct", *ODD])
def test_no_warning_about_a_correct_server(fault: Fault) -> None:
    """A server that is right, however unusual, gets none."""
    assert warned(build(fast(fault))) == {}


SEEN = {
    "transport-reachable": "threads.list",
    "transport-json-type": "threads.list",
    "requests-listed": "threads.list",
    "transport-event-stream-type": "threads.create",
    "transport-event-framing": "threads.create",
    "transport-events-unnamed": "threads.create",
    "transport-event-types": "threads.create",
    "transport-streams-as-made": "threads.create",
    "transport-not-cached": "threads.create",
    "transport-not-buffered": "threads.create",
    "streaming-thread-created": "threads.create",
    "streaming-ends": "threads.create",
    "streaming-message-confirmed": "threads.create",
    "streaming-answer-arrives": "threads.create",
    "streaming-updates-wrapped": "threads.create",
    "streaming-items-in-order": "threads.create",
    "streaming-ids-agree": "threads.create",
    "streaming-items-complete": "threads.create",
    "streaming-deltas-add-up": "threads.create",
    "items-ids-long": "threads.create",
    "threads-created-once": "threads.add_user_message",
    "threads-read-after-first-turn": "threads.get_by_id",
    "threads-second-message": "threads.get_by_id",
    "threads-read-as-streamed": "threads.get_by_id",
    "items-message-once": "threads.get_by_id",
    "items-hidden-not-shown": "threads.get_by_id",
    "items-retry-answers": "threads.retry_after_item",
}
"""The checks that a recorded exchange can fail, and the operation that shows it first."""


@pytest.mark.parametrize("check_id", FAULTS)
def test_warns_about_a_broken_server(check_id: str) -> None:
    """A broken server gets the warning of its check, and none that `check` passes or skips.

    Of what follows from one fault, a run leaves out the checks that need a failed one.
    """
    fault = fast(FAULTS[check_id])
    found = warned(build(fault))
    if check_id in SEEN:
        operation, warning = found[check_id]
        check = REGISTRY[check_id]
        assert operation == SEEN[check_id]
        assert (warning["level"], warning["message"]) == (str(check.level), check.title)
        assert warning["expected"]
        assert warning["got"]
        assert warning["fix"]
    if others := set(found) - {check_id}:
        with serve(build(fault)) as url:
            report = run_checks(
                url,
                headers=headers_for("first"),
                other_headers=headers_for("second"),
                timeout=fault.timeout,
                select=tuple(others),
            )
        verdicts = {result.check.id: result.outcome for result in report.results}
        assert {verdicts[one] for one in others} <= {Outcome.FAILED, Outcome.UNTESTABLE}
        assert report.failures


def test_quickstart() -> None:
    """The SDK's quickstart gets the warnings that `check` has for it, in the same words."""
    found = warned(quickstart.build())
    assert {"transport-not-cached", "transport-not-buffered", "items-ids-long"} <= set(found)
    with serve(quickstart.build()) as url:
        report = run_checks(url, select=tuple(found))
    failures = {result.check.id: result for result in report.failures}
    for check_id, (_, warning) in found.items():
        result = failures[check_id]
        assert (warning["expected"], warning["fix"]) == (result.expected, result.fix)
        assert warning["level"] == str(result.level)


@pytest.mark.parametrize(
    ("check_id", "kind"),
    [
        ("streaming-items-complete", "thread.item.done"),
        ("streaming-ids-agree", "thread.item.added"),
        ("transport-event-types", None),
    ],
)
def test_points_to_the_event(check_id: str, kind: str | None) -> None:
    """A warning names the event that shows it."""
    with serve(build(FAULTS[check_id])) as url, playing(url, headers_for("first")) as page:
        answer = page.create("Hello!")
    event = answer.events[answer.warnings[check_id]["event"]]
    assert event.get("type") == kind


def test_a_later_message_is_judged_like_the_first() -> None:
    """Each message shows what is wrong with its own answer, although `check` judges two."""
    fault = FAULTS["streaming-updates-wrapped"]
    with serve(build(fault)) as url, playing(url, headers_for("first")) as page:
        thread_id = page.create("one").thread_id
        for text in ("two", "three", "four"):
            answer = page.say(thread_id, text)
            warning = answer.warnings["streaming-updates-wrapped"]
            shown = answer.events[warning["event"]]
            assert not shown["type"].startswith("thread.item.")


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "text",
        {"type": 5},
        {"type": "threads.explode", "params": {}},
        {"type": "threads.list"},
        {"type": "threads.list", "params": []},
        {"type": "threads.list", "params": {"limit": -1}},
        {"type": "threads.list", "params": {"limit": "many"}},
        {"type": "threads.list", "params": {"limit": 1, "after": "nothing"}},
        {"type": "threads.create"},
        {"type": "threads.create", "params": {"input": "Hello"}},
        {"type": "threads.create", "params": {"input": user_input("")}},
        {"type": "threads.create", "params": {"input": user_input("bell \x07")}},
        {"type": "threads.create", "params": {"input": user_input("Hi", attachments=("x",))}},
        {"type": "threads.create", "params": {"input": user_input("x" * 3_000_000)}},
        {"type": "threads.get_by_id", "params": {"thread_id": "thr_unknown"}},
        {"type": "threads.get_by_id", "params": {"thread_id": ["x"]}},
        {"type": "threads.delete", "params": {"thread_id": "thr_unknown"}},
        {
            "type": "threads.add_user_message",
            "params": {"thread_id": "thr_unknown", "input": user_input("Hi")},
        },
        {
            "type": "threads.retry_after_item",
            "params": {"thread_id": "thr_unknown", "item_id": "msg_unknown"},
        },
        {"type": "items.feedback", "params": {"thread_id": "x", "item_ids": [], "kind": "?"}},
        {"type": "input.transcribe", "params": {}},
    ],
    ids=lambda body: str(body)[:60],
)
def test_no_warning_for_what_deserves_an_error(body: object) -> None:
    """A request that was edited gets the error that it deserves, and no warning."""
    with serve(build()) as url, playing(url, headers_for("first")) as page:
        answer = page.send_raw(body)
        assert answer.about["warnings"] == []


def test_no_warning_in_unusual_conversations() -> None:
    """Messages sent twice, retries, deletions and others at work are no mistakes."""
    with serve(build()) as url, playing(url, headers_for("first")) as page:
        answers = [page.create("hi")]
        thread_id = answers[0].thread_id
        answers += [page.say(thread_id, "hi") for _ in range(3)]
        answers.append(page.send("threads.get_by_id", thread_id=thread_id))
        message = next(one["item"]["id"] for one in answers[0].events if "item" in one)
        for item_id in (message, "msg_unknown"):
            answers.append(
                page.send("threads.retry_after_item", thread_id=thread_id, item_id=item_id)
            )
        answers.append(page.send("threads.get_by_id", thread_id=thread_id))
        answers.append(page.send("threads.update", thread_id=thread_id, title="Hi"))
        answers.append(
            page.send("threads.add_client_tool_output", thread_id=thread_id, result={"x": 1})
        )
        answers.append(page.send("threads.delete", thread_id=thread_id))
        answers.append(page.say(thread_id, "again"))
        answers.append(page.send("threads.get_by_id", thread_id=thread_id))
    assert [answer.about["warnings"] for answer in answers] == [[]] * len(answers)


def test_no_warning_without_credentials_or_while_limited() -> None:
    """A backend that wants credentials, or fewer requests, is not wrong."""
    with serve(build()) as url, playing(url) as page:
        assert page.send("threads.list", limit=1).about["warnings"] == []
        assert page.create("Hi").about["warnings"] == []
    limited = build(Fault(settings={"rate_limit": "2/minute"}))
    with serve(limited) as url, playing(url, headers_for("first")) as page:
        answers = [page.create("Hi") for _ in range(4)]
    assert answers[-1].status == 429
    assert [answer.about["warnings"] for answer in answers] == [[]] * 4


def test_a_restart_is_no_mistake() -> None:
    """A backend that keeps threads in memory has lost them when it comes back."""
    with playing_through_a_restart() as (page, thread_id):
        answers = [
            page.send("threads.get_by_id", thread_id=thread_id),
            page.say(thread_id, "Still there?"),
            page.create("Then another one."),
        ]
    assert [answer.status for answer in answers] == [404, 404, 200]
    assert [answer.about["warnings"] for answer in answers] == [[]] * 3


def test_judging_sends_nothing() -> None:
    """Whatever a check would send, it does not when it judges what was recorded."""

    async def record() -> list[Exchange]:
        with serve(build()) as url:
            async with Chatkit(url, headers=headers_for("first")) as user:
                turn = await user.create_thread("Hello!")
                listed = await user.call("threads.list", limit=1, order="desc")
                count = len(user.journal.exchanges)
                for exchange in (turn, listed):
                    for view in (views.as_anything, views.as_probe, views.as_stream):
                        await asyncio.to_thread(judge, exchange, [view])
                assert len(user.journal.exchanges) == count
                return [turn, listed]

    turn, _ = asyncio.run(record())
    assert judge(turn, [views.as_first_turn()]) == []
    broken = replace(turn, events=turn.events[:-1])
    (finding,) = judge(broken, [views.as_first_turn()])[:1]
    assert finding.result.check.id == "streaming-answer-arrives"


def test_forgets_old_threads() -> None:
    """However long a session lasts, what is kept of it is limited."""
    history = History()
    request = {"type": "threads.create", "params": {"input": user_input("Hi")}}
    for number in range(200):
        body = Exchange("", operation="threads.create", status=200, size=10)
        body.events = []
        history.begin(request)
        history.end(request, replace(body, events=[*_created(f"thr_{number}")]))
    assert len(history._threads) == 50  # noqa: SLF001 - nothing else shows what is kept


def _created(thread_id: str) -> list[Event]:
    return [Event({"type": "thread.created", "thread": {"id": thread_id}}, 0.0)]


@contextmanager
def playing_through_a_restart() -> Iterator[tuple[Page, str]]:
    """Yield a page, and a thread of a backend that was started again since, on the same port."""
    with serve(build()) as old, serve(build()) as new:
        backends = [old, new]

        async def forward(request: Request) -> Response:
            headers = {"authorization": request.headers["authorization"]}
            async with httpx.AsyncClient() as client:
                answer = await client.post(
                    backends[0], content=await request.body(), headers=headers
                )
            names = ("content-type", "cache-control", "x-accel-buffering")
            kept = {name: answer.headers[name] for name in names if name in answer.headers}
            return Response(answer.content, answer.status_code, kept)

        front = Starlette(routes=[Route("/chatkit", forward, methods=["POST"])])
        with serve(front) as url, playing(url, headers_for("first")) as page:
            thread_id = page.create("Hello!").thread_id
            backends.pop(0)
            yield page, thread_id
