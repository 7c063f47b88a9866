"""Requests: the server handles valid ones and rejects the others."""

import json
import re
from http import HTTPStatus
from typing import Any

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import fail, require, skip
from chatkit_scaffold.conformance.fixtures import (
    conversation,
    first_turn,
    own_thread,
    probe,
)
from chatkit_scaffold.conformance.fixtures_access import provoked_errors
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.client import user_input
from chatkit_scaffold.protocol.exchange import Exchange, dig

_REQUESTS = "chatkit/types.py ChatKitReq"
_HUGE = 8_000_000
"""Bytes; no message comes near this size, because files are uploaded separately."""

_INTERNALS = re.compile(
    r"Traceback \(most recent call last\)|File \"[^\"]+\", line \d+|/site-packages/"
    r"|\bSELECT\b.{1,300}\bFROM\b|\bINSERT INTO\b|\bpsycopg|\bsqlalchemy|\bsqlite3\."
    r"|errors\.pydantic\.dev| object at 0x[0-9a-f]+|\bNoneType\b",
    re.DOTALL,
)
_SEARCHED_BYTES = 4_000


@check(
    "requests-listed",
    level=Level.MUST,
    source=_REQUESTS,
    fix="Pass every request body to `ChatKitServer.process` and return `result.json`.",
    needs={"transport-reachable"},
)
async def listed(target: Target) -> None:
    """threads.list returns 200 and a page: `data` and `has_more`."""
    response = await probe(target)
    require(response.ok, response, "200 and a page of threads")
    is_page = isinstance(dig(response.json, "data"), list)
    require(is_page, response, 'a page: {"data": […], "has_more": false}')


@check(
    "requests-no-server-errors",
    level=Level.MUST,
    source="RFC 9110 section 15.6 (Server Error 5xx)",
    fix="Read the traceback in the server's log.",
    needs={"transport-reachable"},
)
async def no_server_errors(target: Target) -> None:
    """The server does not fail on what every chat sends."""
    threads, first = await first_turn(target)
    responses = [threads, first]
    if first.thread_id:
        talk = await conversation(target)
        responses += [talk.read_after_first, talk.second, talk.read_after_second]
        responses.append(
            await target.user.call("items.list", thread_id=talk.thread_id, limit=5, order="desc")
        )
    for response in responses:
        expected = "a complete response that is not a server error"
        require(not response.server_failed, response, expected)


@check(
    "requests-all-understood",
    level=Level.MUST,
    source=_REQUESTS,
    fix="Do not route operations by hand: `ChatKitServer.process` handles all of its version.",
    needs={"requests-listed"},
)
async def all_understood(target: Target) -> None:
    """The server supports every operation that a chat requires."""
    talk = await conversation(target)
    require(talk.second.ok and talk.second.events, talk.second, "200 and a stream of events")
    _require_object(talk.read_after_second)
    _require_object(talk.threads_after)
    user, thread = target.user, {"thread_id": (await own_thread(target)).id}
    _require_object(await user.call("items.list", **thread, limit=5, order="asc"))
    _require_object(await user.call("threads.update", **thread, title="A first title"))


def _require_object(response: Exchange) -> None:
    is_object = response.ok and isinstance(response.json, dict)
    require(is_object, response, "200 and a JSON object")


@check(
    "requests-unknown-refused",
    level=Level.SHOULD,
    source=_REQUESTS + ": a union discriminated by `type`; there is no messages.create",
    fix="Return 400 for an unknown `type`: catch pydantic's ValidationError around `process`.",
    needs={"transport-reachable"},
    judges_errors=True,
)
async def unknown_refused(target: Target) -> None:
    """The server returns a 4xx for an unknown operation, such as messages.create."""
    for operation in ("messages.create", "threads.explode"):
        response = await target.user.request(operation, {"input": user_input("Hello")})
        _require_rejected(response)


@check(
    "requests-broken-json-refused",
    level=Level.SHOULD,
    source="RFC 9110 section 15.5.1 (400 Bad Request)",
    fix="Return 400 for a body that is not JSON: catch pydantic's ValidationError around "
    "`process`.",
    needs={"transport-reachable"},
    judges_errors=True,
)
async def broken_json_refused(target: Target) -> None:
    """The server returns a 4xx for a body that is not JSON."""
    for body in (b'{"type": "threads.list", ', b"", b"\xff\xfe\x00"):
        _require_rejected(await target.user.send_raw(body))


@check(
    "requests-wrong-types-refused",
    level=Level.SHOULD,
    source=_REQUESTS,
    fix="Return 400 or 422 for pydantic's ValidationError: the mistake is the client's.",
    needs={"transport-reachable"},
    judges_errors=True,
)
async def wrong_types_refused(target: Target) -> None:
    """The server returns a 4xx for missing or wrongly typed parameters."""
    bodies: list[Any] = [
        {},
        {"type": "threads.get_by_id"},
        {"type": "threads.get_by_id", "params": {"thread_id": 5}},
        {"type": "threads.list", "params": {"limit": "many"}},
    ]
    if not target.read_only:
        bodies.append({"type": "threads.create", "params": {"input": "Hello"}})
    for body in bodies:
        _require_rejected(await target.user.send_raw(json.dumps(body).encode()))


@check(
    "requests-extras-tolerated",
    level=Level.MUST,
    source="chatkit/types.py BaseReq: pydantic ignores extra members; chatkit-js sends "
    "chatkit-frame-instance-id and adds fields in new versions",
    fix="Do not forbid unknown members or headers: newer clients send more than today's.",
    needs={"requests-listed"},
)
async def extras_tolerated(target: Target) -> None:
    """The server ignores unknown members and accepts the client's own headers."""
    response = await target.user.request(
        "threads.list",
        {"limit": 1, "order": "desc", "chatkit_scaffold_check": True},
        extra={"metadata": {"note": "x"}, "chatkit_scaffold_check": {"deep": [1]}},
        headers={"chatkit-frame-instance-id": "f1", "chatkit-device-id": "d1"},
    )
    is_page = response.ok and isinstance(dig(response.json, "data"), list)
    require(is_page, response, "200 and a page")


@check(
    "requests-huge-refused",
    level=Level.SHOULD,
    source="RFC 9110 section 15.5.14 (413 Content Too Large)",
    fix="Limit the body size (FastAPI's max_body_size, or your proxy's client_max_body_size) and "
    "return 413.",
    needs={"transport-reachable"},
    judges_errors=True,
)
async def huge_refused(target: Target) -> None:
    """The server rejects a body of 8 MB."""
    body = {"type": "threads.list", "params": {"limit": 1}, "metadata": {"padding": ""}}
    content = json.dumps(body).encode().replace(b'""', b'"' + b"x" * _HUGE + b'"')
    response = await target.user.send_raw(content)
    expected = "413 Content Too Large, or a closed connection"
    require(response.is_client_error or not response.status, response, expected)


@check(
    "requests-no-internals",
    level=Level.SHOULD,
    source="CWE-209: error message containing sensitive information",
    fix="Log the exception and return a message of your own. Do not run with debug=True.",
    needs={"transport-reachable"},
    last=True,
    judges_errors=True,
)
async def no_internals(target: Target) -> None:
    """No error shows a traceback, SQL or the names of internal components."""
    await provoked_errors(target)
    for exchange in target.exchanges:
        body = exchange.body[:_SEARCHED_BYTES].decode("utf-8", "replace")
        errors = json.dumps(exchange.events_of_type("error")) if exchange.events else ""
        shown = body if exchange.is_error else errors
        if found := _INTERNALS.search(shown):
            start = max(0, found.start() - 60)
            fail(exchange, "an error message without internals", shown[start : found.end() + 60])


def _require_rejected(response: Exchange) -> None:
    """Fail unless a request that is not valid returned a 4xx."""
    if response.status == HTTPStatus.UNAUTHORIZED:
        skip("the server requires credentials before it reads the body")
    require(response.is_client_error, response, "a 4xx, such as 400")
