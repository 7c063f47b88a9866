"""Times carry their offset on the wire, and have none inside."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from chatkit.server import ChatKitServer
from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    ClientEffectEvent,
    ClientToolCallItem,
    CustomTask,
    Page,
    SyncCustomActionResponse,
    Thread,
    ThreadCreatedEvent,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadUpdatedEvent,
    WidgetItem,
    Workflow,
    WorkflowItem,
)
from chatkit.widgets import Card, DatePicker
from pydantic import BaseModel

from app.base import ChatStore
from app.server import ChatServer
from app.times import with_offsets
from tests.backend import StartBackend
from tests.scripted import ALICE, NOW, Scripted, text

# In POSIX's form, which needs no database of time zones.
KOLKATA = "IST-5:30"
BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"

SetZone = Callable[[str], None]


@pytest.fixture
def set_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[SetZone]:
    """Return a function that moves this process to another time zone."""

    def move(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


def times_in(sent: Any) -> list[datetime]:
    """Return every time in what was sent: each string that is one."""
    if isinstance(sent, dict | list):
        parts = sent.values() if isinstance(sent, dict) else sent
        return [time for part in parts for time in times_in(part)]
    try:
        return [datetime.fromisoformat(sent)] if isinstance(sent, str) and "T" in sent else []
    except ValueError:
        return []


def encoded(model: BaseModel) -> Any:
    """Return what a client gets for it."""
    return json.loads(with_offsets(model).model_dump_json(exclude_none=True))


@pytest.mark.parametrize(
    ("zone", "offset"),
    [
        (KOLKATA, timedelta(hours=5, minutes=30)),
        ("UTC0", timedelta(0)),
        ("EST5", -timedelta(hours=5)),
    ],
)
def test_every_response_has_offsets(
    start_backend: StartBackend, zone: str, offset: timedelta
) -> None:
    """In whatever zone the backend runs, a browser elsewhere reads the moment that was meant."""
    client = start_backend(TZ=zone).client()
    before = datetime.now(UTC)
    answer = client.create_thread("Hi")
    after = datetime.now(UTC)
    thread = {"thread_id": answer.thread_id}
    again = client.stream("threads.retry_after_item", item_id=answer.items[0]["id"], **thread)
    responses = [
        client.call("threads.get_by_id", **thread),
        client.call("threads.list"),
        client.call("items.list", **thread),
        client.call("threads.update", title="Renamed", **thread),
    ]
    for sent in (answer.events, again.events, *responses):
        assert times_in(sent)
        assert {time.utcoffset() for time in times_in(sent)} == {offset}
    assert all(before <= time <= after for time in times_in(answer.events))


CALL = ClientToolCallItem(
    id="tc",
    thread_id="thr",
    created_at=NOW,
    name="show",
    call_id="call",
    arguments={"at": NOW, "all": [{"from": NOW}], "text": "2026-01-01T12:00:00Z", "none": None},
)
WORKFLOW = WorkflowItem(
    id="wf",
    thread_id="thr",
    created_at=NOW,
    workflow=Workflow(type="custom", tasks=[CustomTask(title="Look")]),
)
WIDGET = WidgetItem(id="wid", thread_id="thr", created_at=NOW, widget=Card(children=[]))
THREAD = Thread(
    id="thr", created_at=NOW, items=Page[ThreadItem](data=[text("msg", "Hi"), WORKFLOW, WIDGET])
)


@pytest.mark.parametrize(
    ("model", "number"),
    [
        (ThreadCreatedEvent(thread=THREAD), 4),
        (ThreadUpdatedEvent(thread=THREAD), 4),
        (ThreadItemAddedEvent(item=WORKFLOW), 1),
        (ThreadItemDoneEvent(item=CALL), 4),
        (ThreadItemReplacedEvent(item=WIDGET), 1),
        (ClientEffectEvent(name="jump", data={"to": {"at": NOW}}), 1),
        (Page[Thread](data=[THREAD, THREAD]), 8),
        (Page[ThreadItem](data=[CALL, text("msg", "Hi")]), 5),
        (SyncCustomActionResponse(updated_item=WIDGET), 1),
        (SyncCustomActionResponse(updated_item=None), 0),
        (Page[Thread](), 0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_nested_times_have_offsets(model: BaseModel, number: int, set_zone: SetZone) -> None:
    """Times are found wherever the SDK's models have them, and nothing else changes."""
    set_zone(KOLKATA)
    unchanged = model.model_dump_json()
    sent = encoded(model)
    times = times_in(sent)
    assert len(times) == number
    assert all(time.tzinfo is not None for time in times)
    without = json.dumps(sent).replace("+05:30", "")
    assert json.loads(without) == json.loads(model.model_dump_json(exclude_none=True))
    assert model.model_dump_json() == unchanged


def test_every_kind_of_item_is_known(set_zone: SetZone) -> None:
    """No model of the SDK has a time under another name."""
    set_zone(KOLKATA)
    kinds = [ThreadMetadata, Thread, *get_args(get_args(ThreadItem)[0])]
    found = {
        name
        for kind in kinds
        for name, field in kind.model_fields.items()
        if "datetime" in str(field.annotation)
    }
    assert found == {"created_at"}


@pytest.mark.parametrize(
    "zone", [UTC, timezone(timedelta(hours=-3)), timezone(timedelta(hours=5, minutes=45))]
)
def test_time_with_a_zone_stays_as_it_is(zone: timezone, set_zone: SetZone) -> None:
    """What an agent or a store has given an offset keeps it."""
    set_zone(KOLKATA)
    event = ThreadItemDoneEvent(
        item=text("msg", "Hi").model_copy(update={"created_at": NOW.replace(tzinfo=zone)})
    )
    assert with_offsets(event) is event
    assert times_in(encoded(event)) == [NOW.replace(tzinfo=zone)]


@pytest.mark.parametrize(
    ("local", "offset"),
    [
        (datetime(2026, 1, 1, 12), 1),
        (datetime(2026, 7, 1, 12), 2),
        # When summer time ends, there are two of this hour; `fold` tells them apart.
        (datetime(2026, 10, 25, 2, 30), 2),
        (datetime(2026, 10, 25, 2, 30, fold=1), 1),
    ],
    ids=str,
)
def test_offset_is_that_of_the_time(local: datetime, offset: int, set_zone: SetZone) -> None:
    """A time in winter has winter's offset, also if it is sent in summer."""
    set_zone(BERLIN)
    sent = with_offsets(ThreadMetadata(id="thr", created_at=local)).created_at
    assert sent.utcoffset() == timedelta(hours=offset)
    assert sent.replace(tzinfo=None) == local


def test_day_of_a_calendar_stays_as_it_is(set_zone: SetZone) -> None:
    """With an offset, a date to pick would be the day before for users in the west."""
    set_zone(KOLKATA)
    card = Card(children=[DatePicker(name="day", defaultValue=datetime(2026, 1, 1))])
    item = encoded(ThreadItemDoneEvent(item=WIDGET.model_copy(update={"widget": card})))["item"]
    assert item["created_at"].endswith("+05:30")
    assert times_in(item["widget"]) == [datetime(2026, 1, 1)]


def test_piece_of_a_text_is_not_copied() -> None:
    """Most events have no time; they cost nothing."""
    update = AssistantMessageContentPartTextDelta(content_index=0, delta="2026-01-01T12:00:00")
    event = ThreadItemUpdatedEvent(item_id="msg", update=update)
    assert with_offsets(event) is event


@pytest.mark.anyio
async def test_times_inside_have_no_offset(store: ChatStore, set_zone: SetZone) -> None:
    """The SDK computes with times without a zone: the store returns them as they were given."""
    set_zone(KOLKATA)
    server = ChatServer(store, Scripted(), 10)
    thread = ThreadMetadata(id="thr", created_at=NOW)
    await store.save_thread(thread, ALICE)
    await store.add_thread_item("thr", WORKFLOW, ALICE)
    loaded = await store.load_thread("thr", ALICE)
    item = await store.load_item("thr", "wf", ALICE)
    for model in (loaded, item):
        assert model.created_at == NOW
        sent = json.loads(server._serialize(model))["created_at"]
        assert sent == NOW.isoformat() + "+05:30"
        assert json.loads(ChatKitServer._serialize(server, model))["created_at"] == NOW.isoformat()
