"""The form that the user fills in."""

from tests.backend import Backend, Client, Event
from tests.services.agent import Model

QUESTIONS = [
    {"text": "How many people?", "answers": ["1", "2"], "several": False},
    {"text": "Where to?", "answers": [], "several": False},
]


def test_answers_reach_the_model(backend: Backend, model: Model, titled_thread: str) -> None:
    """The turn ends with the form; the next one begins with the user's answers."""
    client = backend.client()
    form = new_form(client, model, titled_thread)
    people, place = form["inputs"]
    assert [option["value"] for option in people["options"]] == ["1", "2"]
    assert len(model.requests) == 1
    model.reply("Rome for two.")
    answers = {people["id"]: {"values": ["2"]}, place["id"]: {"values": ["Rome"]}}
    answer = client.stream(
        "threads.add_structured_input",
        thread_id=titled_thread,
        item_id=form["id"],
        input={"answers": answers},
    )
    assert answer.text == "Rome for two."
    sent = str(model.last_request.body)
    assert "How many people?: 2" in sent
    assert "Where to?: Rome" in sent
    [stored] = [item for item in client.items(titled_thread) if item["id"] == form["id"]]
    assert stored["status"] == "answered"


def test_form_that_is_skipped(backend: Backend, model: Model, titled_thread: str) -> None:
    """The model learns that the user has not answered, and goes on."""
    client = backend.client()
    form = new_form(client, model, titled_thread)
    params = {"thread_id": titled_thread, "item_id": form["id"]}
    model.reply("Never mind.")
    answer = client.stream("threads.add_structured_input", input={"status": "skipped"}, **params)
    assert answer.text == "Never mind."
    assert "How many people?: skipped" in str(model.last_request.body)
    again = client.post("threads.add_structured_input", input={"status": "skipped"}, **params)
    assert again.status_code == 409


def new_form(client: Client, model: Model, thread_id: str) -> Event:
    """Let the model ask, and return the form."""
    model.call_tool("ask_user", {"questions": QUESTIONS})
    form = client.say(thread_id, "I want to go away").items[-1]
    assert (form["type"], form["status"]) == ("structured_input", "pending")
    return form
