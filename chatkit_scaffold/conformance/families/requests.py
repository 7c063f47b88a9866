"""What a server makes of requests, right and wrong ones."""

import json
import re
from http import HTTPStatus
from typing import Any

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import fail, require, skip
from chatkit_scaffold.conformance.fixtures import UNKNOWN_THREAD, conversation, fixture, probe
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.client import user_input
from chatkit_scaffold.protocol.exchange import Exchange, dig, text_at

_REQUESTS = "chatkit/types.py ChatKitReq (openai-chatkit 1.6.5)"
_HUGE = 8_000_000
"""Bytes; files go by a way of their own, so no message comes near this."""

_INTERNALS = re.compile(
    r"Traceback \(most recent call last\)|File \"[^\"]+\", line \d+|/site-packages/"
    r"|\bSELECT\b.{1,300}\bFROM\b|\bINSERT INTO\b|\bpsycopg|\bsqlalchemy|\bsqlite3\."
    r"|errors\.pydantic\.dev| object at 0x[0-9a-f]+|\bNoneType\b",
    re.DOTALL,
)
_ASKED_BACK = 4_000


@check(
    "requests-listed",
    level=Level.MUST,
    source=_REQUESTS,
    fix="Hand every body to `ChatKitServer.process` and answer with `result.json`.",
    needs={"transport-reachable"},
)
async def listed(target: Target) -> None:
    """threads.list is answered with 200 and a page: `data` and `has_more`."""
    answer = await probe(target)
    require(answer.ok, answer, "200 and a page of threads")
    require(
        isinstance(dig(answer.json, "data"), list),
        answer,
        'a page: {"data": […], "has_more": false}',
    )


@check(
    "requests-all-understood",
    level=Level.MUST,
    source=_REQUESTS,
    fix="Do not route by hand: `ChatKitServer.process` knows all the operations of its version.",
    needs={"requests-listed"},
)
async def all_understood(target: Target) -> None:
    """Every operation that a chat cannot do without is understood."""
    held = await conversation(target)
    user, thread = target.user, {"thread_id": held.thread_id}
    answers = [
        held.read,
        held.listed,
        await user.call("items.list", **thread, limit=5, order="asc"),
        await user.call("threads.update", **thread, title="A first title"),
    ]
    for answer in answers:
        require(answer.ok and isinstance(answer.json, dict), answer, "200 and a JSON object")
    require(held.second.ok and held.second.events, held.second, "200 and a stream of events")


@fixture
async def optional_answers(target: Target) -> dict[str, Exchange]:
    """The answers to operations that a server may decline."""
    held = await conversation(target)
    action = {"type": "chatkit.unknown", "payload": {}}
    thread = {"thread_id": held.thread_id}
    user = target.user
    return {
        "create": await user.call(
            "attachments.create", name="note.txt", size=4, mime_type="text/plain"
        ),
        "delete": await user.call("attachments.delete", attachment_id="atc_unknown"),
        "transcribe": await user.call(
            "input.transcribe", audio_base64="AAAA", mime_type="audio/webm"
        ),
        "action": await user.stream(
            "threads.custom_action", thread_id=held.thread_id, action=action
        ),
        "sync": await user.call("threads.sync_custom_action", **thread, action=action),
        "structured": await user.stream(
            "threads.add_structured_input",
            thread_id=held.thread_id,
            item_id="si_unknown",
            input={"status": "skipped", "answers": {}},
        ),
    }


@check(
    "requests-attachments-answered",
    level=Level.SHOULD,
    source=_REQUESTS + "; chatkit/server.py ChatKitServer._get_attachment_store raises",
    fix="Give the server an AttachmentStore, or answer attachments.* with a 4xx that says so.",
    needs={"requests-listed"},
)
async def attachments_answered(target: Target) -> None:
    """attachments.create and attachments.delete are carried out or declined with a 4xx."""
    answers = await optional_answers(target)
    _require_clean(answers["create"])
    _require_clean(answers["delete"])
    if answers["create"].ok and (created := text_at(answers["create"].json, "id")):
        _require_clean(await target.user.call("attachments.delete", attachment_id=created))


@check(
    "requests-transcription-answered",
    level=Level.SHOULD,
    source=_REQUESTS + "; chatkit/server.py ChatKitServer.transcribe raises NotImplementedError",
    fix="Override `transcribe`, or answer input.transcribe with a 4xx that says it is not offered.",
    needs={"requests-listed"},
)
async def transcription_answered(target: Target) -> None:
    """input.transcribe is carried out or declined with a 4xx."""
    _require_clean((await optional_answers(target))["transcribe"])


@check(
    "requests-actions-answered",
    level=Level.SHOULD,
    source=_REQUESTS + "; chatkit/server.py ChatKitServer.action and .sync_action raise",
    fix="Override `action` and `sync_action`, or decline them with a 4xx, or with an `error` event "
    "that has `allow_retry` false.",
    needs={"requests-listed"},
)
async def actions_answered(target: Target) -> None:
    """Actions and structured input are carried out or declined, without inviting a retry."""
    answers = await optional_answers(target)
    for name in ("action", "sync", "structured"):
        _require_clean(answers[name])
        for event in answers[name].of_type("error"):
            require(
                event.get("allow_retry") is not True,
                answers[name],
                "an error event without `allow_retry`: trying again cannot help",
                event,
            )


@check(
    "requests-unknown-refused",
    level=Level.SHOULD,
    source=_REQUESTS + ": a union told apart by `type`; there is no messages.create",
    fix="Answer an unknown `type` with 400: catch pydantic's ValidationError around `process`.",
    needs={"requests-listed"},
)
async def unknown_refused(target: Target) -> None:
    """An unknown operation, such as messages.create, is refused with a 4xx."""
    for operation in ("messages.create", "threads.explode"):
        answer = await target.user.request(
            operation, {"thread_id": UNKNOWN_THREAD, "input": user_input("Hello")}
        )
        _require_refused(answer)


@check(
    "requests-broken-json-refused",
    level=Level.SHOULD,
    source="RFC 9110 section 15.5.1 (400 Bad Request)",
    fix="Answer a body that is not JSON with 400: catch pydantic's ValidationError around "
    "`process`.",
    needs={"requests-listed"},
)
async def broken_json_refused(target: Target) -> None:
    """A body that is not JSON is refused with a 4xx."""
    for body in (b'{"type": "threads.list", ', b"", b"\xff\xfe\x00", b"type=threads.list"):
        _require_refused(await target.user.send(body))


@check(
    "requests-wrong-types-refused",
    level=Level.SHOULD,
    source=_REQUESTS,
    fix="Answer pydantic's ValidationError with 400 or 422; it is the client's mistake, not yours.",
    needs={"requests-listed"},
)
async def wrong_types_refused(target: Target) -> None:
    """Empty objects, missing and wrongly typed parameters are refused with a 4xx."""
    bodies: list[Any] = [
        {},
        [],
        None,
        {"type": "threads.get_by_id"},
        {"type": "threads.get_by_id", "params": {"thread_id": 5}},
        {"type": "threads.list", "params": {"limit": "many"}},
        {"type": "threads.create", "params": {"input": "Hello"}},
    ]
    for body in bodies:
        answer = await target.user.send(json.dumps(body).encode())
        _require_refused(answer)


@check(
    "requests-extras-tolerated",
    level=Level.MUST,
    source="chatkit/types.py BaseReq: pydantic ignores extra members; chatkit-js sends "
    "chatkit-frame-instance-id and new fields as it grows",
    fix="Do not forbid unknown members or headers: a newer client sends more than today's.",
    needs={"requests-listed"},
)
async def extras_tolerated(target: Target) -> None:
    """Unknown members and the client's own headers do no harm."""
    answer = await target.user.request(
        "threads.list",
        {"limit": 1, "order": "desc", "chatkit_scaffold_check": True},
        extra={"metadata": {"note": "x"}, "chatkit_scaffold_check": {"deep": [1]}},
        headers={"chatkit-frame-instance-id": "f1", "chatkit-device-id": "d1"},
    )
    require(answer.ok and isinstance(dig(answer.json, "data"), list), answer, "200 and a page")


@check(
    "requests-huge-refused",
    level=Level.SHOULD,
    source="RFC 9110 section 15.5.14 (413 Content Too Large)",
    fix="Limit the body (FastAPI's max_body_size, or your proxy's client_max_body_size) and "
    "answer 413.",
    needs={"requests-listed"},
)
async def huge_refused(target: Target) -> None:
    """A body of 8 MB is refused before it is read into memory and stored."""
    body = {"type": "threads.list", "params": {"limit": 1}, "metadata": {"padding": "x" * _HUGE}}
    answer = await target.user.send(json.dumps(body).encode())
    expected = "413 Content Too Large, or the connection closed"
    require(answer.is_client_error or not answer.status, answer, expected)


@check(
    "requests-no-internals",
    level=Level.SHOULD,
    source="CWE-209: error message containing sensitive information",
    fix="Log the exception; answer with a sentence of your own. Run without debug=True.",
    needs={"requests-listed"},
    last=True,
)
async def no_internals(target: Target) -> None:
    """No error shows a traceback, SQL or the names of what the server is made of."""
    await target.user.send(b"{not json")
    await target.user.call("threads.get_by_id")
    await target.user.call("threads.get_by_id", thread_id=UNKNOWN_THREAD)
    for answer in target.exchanges:
        body = answer.body[:_ASKED_BACK].decode("utf-8", "replace")
        errors = json.dumps(answer.of_type("error")) if answer.events else ""
        shown = body if answer.is_error else errors
        if found := _INTERNALS.search(shown):
            start = max(0, found.start() - 60)
            fail(answer, "an error in words of its own", shown[start : found.end() + 60])


def _require_clean(answer: Exchange) -> None:
    """Fail unless an optional operation was carried out or declined."""
    if answer.is_client_error or answer.status == HTTPStatus.NOT_IMPLEMENTED:
        return
    require(answer.ok, answer, "the operation carried out, or a 4xx that declines it")
    told = answer.events or answer.json is not None
    require(told, answer, "the operation carried out, or a 4xx that declines it")


def _require_refused(answer: Exchange) -> None:
    """Fail unless a wrong request was answered with a 4xx."""
    if answer.status == HTTPStatus.UNAUTHORIZED:
        skip("credentials are asked for before the body is read")
    require(answer.is_client_error, answer, "a 4xx, such as 400")
