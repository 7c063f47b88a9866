"""The MCP server of the to-do list answers requests with a valid token, for its user only."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest

from app.base import ChatStore
from app.mcp_tools.server import build_server, serving
from app.mcp_tools.tokens import AUDIENCE, RequestTokens
from app.records import records_of
from app.tasks import MAX_TITLE_LENGTH, Tasks

pytestmark = pytest.mark.anyio


class Server:
    """The running server, and the tokens that it takes."""

    def __init__(self, url: str, tokens: RequestTokens) -> None:
        self.url = url
        self.tokens = tokens

    async def post(self, token: str | None, **headers: str) -> int:
        """Return the status of a request."""
        response = await self._post("tools/list", {}, token, headers)
        return response.status_code

    async def call(self, caller: str, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool for a user, and return its result."""
        params = {"name": tool, "arguments": arguments}
        response = await self._post("tools/call", params, self.tokens.sign(caller), {})
        result: dict[str, Any] = response.raise_for_status().json()["result"]
        return result

    async def tasks(self, user_id: str) -> list[dict[str, Any]]:
        """Return a user's tasks."""
        result = await self.call(user_id, "list_tasks")
        tasks: list[dict[str, Any]] = result["structuredContent"]["tasks"]
        return tasks

    async def _post(
        self, method: str, params: dict[str, Any], token: str | None, headers: dict[str, str]
    ) -> httpx.Response:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        sent = {"Accept": "application/json, text/event-stream", **headers}
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {token}")
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.post(self.url, json=body, headers=sent)


@pytest.fixture
async def server(store: ChatStore) -> AsyncIterator[Server]:
    """The server, on an empty store."""
    tokens = RequestTokens()
    async with serving(build_server(Tasks(records_of(store)), tokens)) as url:
        yield Server(url, tokens)


def signed(tokens: RequestTokens, key: bytes | None = None, **changes: Any) -> str:
    """Sign the claims of a valid token with *changes*; None takes a claim away."""
    claims = {"sub": "alice", "aud": AUDIENCE, "exp": int(time.time()) + 60, **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    # Not `jwt.encode`: it refuses to sign some of what must be refused here.
    return jwt.api_jws.encode(json.dumps(kept).encode(), key or tokens.key, "HS256")


async def test_no_token(server: Server) -> None:
    """Who reaches the port, such as another program on this machine, is refused."""
    assert await server.post(None) == 401
    assert await server.post("garbage") == 401
    assert await server.post(None, Authorization="Basic YTpi") == 401


async def test_invalid_tokens(server: Server) -> None:
    """A token has to be for this server, unexpired, of some user and signed with its key."""
    wrong: list[dict[str, Any]] = [
        {"exp": int(time.time()) - 1},
        {"exp": None},
        {"aud": "chat"},
        {"aud": None},
        {"sub": None},
        {"sub": 7},
        {"sub": ""},
        {"nbf": int(time.time()) + 3600},
        {"key": b"0123456789abcdef0123456789abcdef"},
    ]
    statuses = [await server.post(signed(server.tokens, **changes)) for changes in wrong]
    assert statuses == [401] * len(wrong)
    claims = {"sub": "alice", "aud": AUDIENCE, "exp": int(time.time()) + 60}
    assert await server.post(jwt.encode(claims, "", algorithm="none")) == 401


async def test_odd_tokens_that_are_valid(server: Server) -> None:
    """Nothing else about a token matters."""
    right: list[dict[str, Any]] = [
        {"aud": [AUDIENCE, "chat"]},
        {"sub": "auth0|Ünïcode:*"},
        {"iss": "https://login.example", "admin": True},
    ]
    statuses = [await server.post(signed(server.tokens, **changes)) for changes in right]
    assert statuses == [200] * len(right)
    header = f"bearer {server.tokens.sign('alice')}"
    assert await server.post(None, Authorization=header) == 200


async def test_other_names_are_refused(server: Server) -> None:
    """A site that points its name at this machine (DNS rebinding) gets nothing."""
    token = server.tokens.sign("alice")
    port = httpx.URL(server.url).port
    assert await server.post(token, Host=f"evil.example:{port}") == 421
    assert await server.post(token, Origin="https://evil.example") == 403
    assert await server.post(token, Host=f"localhost:{port}") == 200


async def test_tools_work_for_the_tokens_user(server: Server) -> None:
    """An argument does not change whose tasks a tool reaches."""
    added = await server.call("alice", "add_task", title="Buy tea", user_id="bob", user="bob")
    task = added["structuredContent"]
    assert await server.tasks("bob") == []
    for tool in ("complete_task", "update_task", "delete_task"):
        foreign = await server.call("bob", tool, task_id=task["id"], title="Mine", user="alice")
        unknown = await server.call("bob", tool, task_id="task_00000000", title="Mine")
        assert foreign["isError"]
        assert foreign == unknown
    assert await server.tasks("alice") == [task]


async def test_errors_are_sentences_for_the_model(server: Server) -> None:
    """They say what to do better."""
    long = await server.call("alice", "add_task", title="x" * (MAX_TITLE_LENGTH + 1))
    assert long["isError"]
    text = long["content"][0]["text"]
    assert text == "Error executing tool add_task: The title may have 200 characters, not 201."
    odd = await server.call("alice", "delete_task", task_id="\0")
    assert "There is no task with this id" in odd["content"][0]["text"]
    assert await server.tasks("alice") == []
