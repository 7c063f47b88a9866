"""With `MCP_URL`, the tools are those of another MCP server, which gets the user's own token."""

import json
from collections.abc import Iterator

import pytest
from pydantic import SecretStr, ValidationError

from app.mcp_tools.link import ToolSettings
from tests.backend import Answer, Backend, Client, Credentials
from tests.conftest import Service
from tests.mcp_tools.outside import Outside, outside_server
from tests.services.agent import Model


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    """The other server."""
    with outside_server() as server:
        yield server


@pytest.fixture(scope="module")
def backend(
    outside: Outside,
    store_service: Service,
    agent_env: dict[str, str],
    auth_env: dict[str, str],
    headers_for: Credentials,
) -> Iterator[Backend]:
    """A backend that uses it; some tools of it take forever."""
    environment = {**store_service(), **agent_env, **auth_env, "MCP_URL": outside.url}
    running = Backend({**environment, "TOOL_TIMEOUT": "3"}, headers_for)
    yield running
    running.stop()
    assert running.private_texts() == []


def ask(client: Client, model: Model, thread_id: str, tool: str, word: str = "tea") -> Answer:
    """Let the model call a tool in a thread."""
    model.reset().call_tool(tool, {"word": word}).reply("Done.", times=None)
    return client.say(thread_id, "Look it up")


def wait_for_reason(backend: Backend, reason: str) -> None:
    """Read the log until it has an entry with such a reason."""
    while reason not in backend.next_log("tools disconnected")["reason"].lower():
        pass


def test_users_token_is_passed_on(backend: Backend, outside: Outside, model: Model) -> None:
    """The server gets each user's own token, if there is one, in the user's own session."""
    clients = {user: backend.client(user) for user in ("alice", "bob")}
    threads = {user: client.create_thread("Hi").thread_id for user, client in clients.items()}
    for user in ("alice", "bob", "alice"):
        token = backend.headers_for(user).get("Authorization")
        outside.requests.clear()
        ask(clients[user], model, threads[user], "look_up", user)
        assert f"{user}: see there" in json.dumps(model.requests[-1].body)
        assert [seen.authorization for seen in outside.requests] == [token] * 2
        assert [seen.method for seen in outside.requests] == ["tools/list", "tools/call"]


def test_server_that_was_restarted(backend: Backend, outside: Outside, model: Model) -> None:
    """The next message works."""
    client = backend.client()
    thread_id = client.create_thread("Hi").thread_id
    outside.stop()
    outside.start()
    assert ask(client, model, thread_id, "look_up").text == "Done."
    assert "tea: see there" in json.dumps(model.requests[-1].body)


def test_server_that_is_down(backend: Backend, outside: Outside, model: Model) -> None:
    """The user reads that the tools cannot be reached, and can retry."""
    client = backend.client()
    thread_id = client.create_thread("Hi").thread_id
    outside.stop()
    answer = ask(client, model, thread_id, "look_up")
    outside.start()
    [error] = answer.of_type("error")
    assert error["message"] == "The tools cannot be reached at the moment."
    assert error["allow_retry"] is True
    wait_for_reason(backend, "connect")
    [message] = [item for item in answer.items if item["type"] == "user_message"]
    retry = {"thread_id": thread_id, "item_id": message["id"]}
    assert client.stream("threads.retry_after_item", **retry).text == "Done."


def test_tool_that_takes_too_long(backend: Backend, model: Model) -> None:
    """The model gets an error after TOOL_TIMEOUT seconds, and the answer continues."""
    client = backend.client()
    thread_id = client.create_thread("Hi").thread_id
    assert ask(client, model, thread_id, "hold").text == "Done."
    assert "3 seconds" in json.dumps(model.requests[-1].body)


@pytest.mark.parametrize("url", ["tools.example/mcp", "ftp://tools.example", "https://"])
def test_wrong_address(url: str) -> None:
    """The backend does not start with what is not the address of a server."""
    with pytest.raises(ValidationError, match="is not an address such as"):
        ToolSettings(mcp_url=SecretStr(url))


def test_address_with_a_key() -> None:
    """An address may have more than a path."""
    url = "http://[::1]:9000/mcp?api_key=secret"
    assert ToolSettings(mcp_url=SecretStr(url)).mcp_url == SecretStr(url)
