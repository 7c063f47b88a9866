"""The widget with boxes and a button."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.backend import Backend, Client, Event, message
from tests.services.agent import Model

ENTRIES = ["Tent", "Stove", "Map"]


@pytest.fixture
def checklist(backend: Backend, model: Model, titled_thread: str) -> Event:
    """A checklist of alice's."""
    model.call_tool("show_checklist", {"title": "To pack", "entries": ENTRIES}).reply("Here it is.")
    answer = backend.client().say(titled_thread, "What do I need?")
    widget, words = answer.items[1:]
    assert (widget["type"], words["type"]) == ("widget", "assistant_message")
    assert labels(widget) == {"Tent": False, "Stove": False, "Map": False}
    return widget


def test_ticks_are_kept(backend: Backend, checklist: Event) -> None:
    """The answer is the widget with the box ticked, and so it is stored."""
    client = backend.client()
    ticked = tick(client, checklist, number=1)
    assert labels(ticked) == {"Tent": False, "Stove": True, "Map": False}
    assert stored(client, checklist) == ticked
    assert labels(tick(client, checklist, number=1, done=False))["Stove"] is False


def test_ticks_at_the_same_time_are_all_kept(backend: Backend, checklist: Event) -> None:
    """No tick undoes another one."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda number: tick(backend.client(), checklist, number=number), range(3)))
    assert labels(stored(backend.client(), checklist)) == dict.fromkeys(ENTRIES, True)


def test_box_can_be_ticked_while_an_answer_streams(
    backend: Backend, checklist: Event, long_message: str
) -> None:
    """A tick does not wait for the end of the turn."""
    client = backend.client()
    params = {"thread_id": checklist["thread_id"], "input": message(long_message)}
    with client.streaming("threads.add_user_message", **params) as events:
        next(events)
        assert labels(tick(backend.client(), checklist, number=0))["Tent"] is True
        assert [event["type"] for event in events][-1] == "thread.item.done"


def test_button_lets_the_model_answer(backend: Backend, model: Model, checklist: Event) -> None:
    """The widget is replaced, and the model learns what is left to do."""
    client = backend.client()
    tick(client, checklist, number=0)
    model.reset().reply("Do not forget the map.")
    answer = client.stream("threads.custom_action", **click(checklist, "checklist.finish"))
    [replaced] = answer.of_type("thread.item.replaced")
    assert replaced["item"]["id"] == checklist["id"]
    assert replaced["item"] == stored(client, checklist)
    assert answer.text == "Do not forget the map."
    assert "Not ticked: Stove, Map." in str(model.last_request.body)
    # The list is closed now, for both kinds of actions.
    assert refusal(client, checklist, "checklist.tick", {"number": 0, "done": False}) == "finished"
    [error] = client.stream(
        "threads.custom_action", **click(checklist, "checklist.finish")
    ).of_type("error")
    assert (error["message"], error["allow_retry"]) == ("The checklist is finished.", False)


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("checklist.tick", {"number": 3, "done": True}, "no_such_entry"),
        ("checklist.tick", {"number": -1, "done": True}, "invalid_action"),
        ("checklist.tick", {"number": "first", "done": True}, "invalid_action"),
        ("checklist.tick", None, "invalid_action"),
        ("account.delete", {}, "unknown_action"),
    ],
)
def test_forged_action_changes_nothing(
    backend: Backend, checklist: Event, action: str, payload: object, code: str
) -> None:
    """What no widget has sent is a 400, and an error without retry in a stream."""
    client = backend.client()
    assert refusal(client, checklist, action, payload) == code
    params = click(checklist, action, payload)
    [error] = client.stream("threads.custom_action", **params).of_type("error")
    assert error["allow_retry"] is False
    assert stored(client, checklist) == checklist


@pytest.mark.parametrize("operation", ["threads.custom_action", "threads.sync_custom_action"])
def test_others_cannot_act(backend: Backend, checklist: Event, operation: str) -> None:
    """A thread or a widget that is not the user's does not exist; a message has no actions."""
    client = backend.client()
    params = click(checklist, "checklist.tick", {"number": 0, "done": True})
    for changes in ({"item_id": "msg_x"}, {"thread_id": "thr_x"}):
        assert client.post(operation, **{**params, **changes}).status_code == 404
    # Without sign-in, all are one user.
    if backend.headers_for("bob") != backend.headers_for("alice"):
        assert backend.client("bob").post(operation, **params).status_code == 404
    [first, *_] = client.items(checklist["thread_id"])
    for item_id in (first["id"], None):
        response = client.post(operation, **{**params, "item_id": item_id})
        assert (response.status_code, response.json()["error"]["code"]) == (400, "not_a_widget")
    assert stored(client, checklist) == checklist


def labels(widget: Event) -> dict[str, bool]:
    """Return the boxes, and which are ticked."""
    lines = widget["widget"]["children"][1:-1]
    return {line["label"]: line["defaultChecked"] for line in lines}


def click(widget: Event, action: str, payload: object = None) -> dict[str, Any]:
    """Return the parameters of an action."""
    body = {"type": action, "payload": payload}
    return {"thread_id": widget["thread_id"], "item_id": widget["id"], "action": body}


def tick(client: Client, widget: Event, number: int, done: bool = True) -> Event:
    """Tick a box, and return the widget."""
    params = click(widget, "checklist.tick", {"number": number, "done": done})
    changed: Event = client.call("threads.sync_custom_action", **params)["updated_item"]
    return changed


def refusal(client: Client, widget: Event, action: str, payload: object) -> str:
    """Return the code with which an action is refused."""
    params = click(widget, action, payload)
    response = client.post("threads.sync_custom_action", **params)
    assert response.status_code == 400
    return str(response.json()["error"]["code"])


def stored(client: Client, widget: Event) -> Event:
    """Return the widget as a reload shows it."""
    [found] = [i for i in client.items(widget["thread_id"]) if i["id"] == widget["id"]]
    return found
