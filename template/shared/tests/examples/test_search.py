"""The tool that searches the user's conversations."""

from tests.backend import Backend
from tests.services.agent import Model


def test_only_ones_own_conversations_are_found(
    backend: Backend, model: Model, titled_thread: str
) -> None:
    """The model gets what the user has said, and nothing of what others have."""
    for user, words in (("alice", "My blue tent leaks"), ("bob", "My green tent is fine")):
        backend.client(user).create_thread(words)
    client = backend.client()
    model.reset().call_tool("search_conversations", {"words": "tent my"}).reply("It leaks.")
    answer = client.say(titled_thread, "What about my TENT?")
    assert answer.text == "It leaks."
    sent = str(model.last_request.body)
    assert "My blue tent leaks" in sent
    # Without sign-in, all are one user.
    assert ("green tent" in sent) is (backend.headers_for("bob") == backend.headers_for("alice"))


def test_search_is_shown(backend: Backend, model: Model, titled_thread: str) -> None:
    """The client sees the call and how far it is; a reload shows the call too."""
    client = backend.client()
    model.call_tool("search_conversations", {"words": "tent"}).reply("Nothing.")
    answer = client.say(titled_thread, "What about my tent?")
    texts = [event["text"] for event in answer.of_type("progress_update")]
    assert texts[0].startswith("Searching conversation 1 of ")
    [work] = [item for item in answer.items if item["type"] == "workflow"]
    assert work["workflow"]["tasks"][0]["title"] == "Search conversations"
    assert work in client.items(titled_thread)


def test_tools_are_called_over_several_turns(
    backend: Backend, model: Model, titled_thread: str
) -> None:
    """Each turn leaves an answer and the call, with ids of their own, and the next one works."""
    client = backend.client()
    for turn in range(3):
        model.reset().call_tool("search_conversations", {"words": f"word-{turn}"})
        model.reply(f"Nothing about {turn}.")
        assert client.say(titled_thread, f"Search {turn}").text == f"Nothing about {turn}."
        call, result = (str(record.body) for record in model.requests)
        assert f"word-{turn}" not in call
        assert f"word-{turn}" in result
    items = client.items(titled_thread)
    turns = ["user_message", "workflow", "assistant_message"] * 3
    assert [item["type"] for item in items] == ["user_message", "assistant_message", *turns]
    assert len({item["id"] for item in items}) == len(items)
