"""Requests that a server may decline: attachments, dictation, actions and structured input."""

import asyncio
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from chatkit_scaffold.conformance.check import Level, UntestableError
from chatkit_scaffold.conformance.expectations import require
from chatkit_scaffold.conformance.fixtures import fixture, own_thread
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, dig, text_at
from chatkit_scaffold.protocol.limits import InconclusiveError

_REQUESTS = "chatkit/types.py ChatKitReq"
_CREATE = "attachments.create", {"name": "note.txt", "size": 4, "mime_type": "text/plain"}
_DELETE = "attachments.delete", {"attachment_id": f"atc_{secrets.token_hex(16)}"}
_TRANSCRIBE = "input.transcribe", {"audio_base64": "AAAA", "mime_type": "audio/webm"}


_Responses = dict[str, Exchange | InconclusiveError | UntestableError]


def _in_thread(thread_id: str) -> dict[str, tuple[str, dict[str, Any]]]:
    action = {"thread_id": thread_id, "action": {"type": "chatkit.unknown", "payload": {}}}
    structured = {"item_id": "si_unknown", "input": {"status": "skipped", "answers": {}}}
    return {
        "action": ("threads.custom_action", action),
        "sync": ("threads.sync_custom_action", action),
        "structured": ("threads.add_structured_input", {"thread_id": thread_id, **structured}),
    }


@fixture
async def optional_responses(target: Target) -> _Responses:
    """The responses to operations that a server may decline.

    Sent in parallel, so that a server on which several of them hang keeps the run waiting once;
    those of a thread follow one another. A response that shows nothing is the reason for that.
    """
    groups = await asyncio.gather(
        _responses(target, {"create": _CREATE}),
        _responses(target, {"delete": _DELETE}),
        _responses(target, {"transcribe": _TRANSCRIBE}),
        _responses_in_thread(target),
    )
    return {name: response for group in groups for name, response in group.items()}


async def _responses_in_thread(target: Target) -> _Responses:
    """Send the requests that write to a thread."""
    try:
        thread_id = (await own_thread(target)).id
    except UntestableError as error:
        return dict.fromkeys(_in_thread(""), error)
    return await _responses(target, _in_thread(thread_id))


async def _responses(
    target: Target, requests: Mapping[str, tuple[str, dict[str, Any]]]
) -> _Responses:
    """Send requests one after another; each is an operation and its parameters, by a name."""
    responses: _Responses = {}
    for name, request in requests.items():
        try:
            responses[name] = await target.user.request(*request)
        except InconclusiveError as error:
            responses[name] = error
    return responses


async def _optional_response(target: Target, name: str) -> Exchange:
    response = (await optional_responses(target))[name]
    if not isinstance(response, Exchange):
        raise response
    return response


@check(
    "requests-attachments-answered",
    level=Level.SHOULD,
    source=_REQUESTS + "; chatkit/server.py ChatKitServer._get_attachment_store raises",
    fix="Pass an AttachmentStore to the server, or decline attachments.* with a 4xx and a reason.",
    needs={"transport-reachable"},
    judges_errors=True,
)
async def attachments_answered(target: Target) -> None:
    """attachments.create and attachments.delete succeed or return a 4xx."""
    response = await _optional_response(target, "create")
    _require_done_or_declined(response)
    _require_done_or_declined(await _optional_response(target, "delete"))
    if response.ok and (created := text_at(response.json, "id")):
        deleted = await target.user.call("attachments.delete", attachment_id=created)
        _require_done_or_declined(deleted)


@check(
    "requests-transcription-answered",
    level=Level.SHOULD,
    source=_REQUESTS + "; chatkit/server.py ChatKitServer.transcribe raises NotImplementedError",
    fix="Override `transcribe`, or decline input.transcribe with a 4xx and a reason.",
    needs={"transport-reachable"},
    judges_errors=True,
)
async def transcription_answered(target: Target) -> None:
    """input.transcribe succeeds or returns a 4xx."""
    _require_done_or_declined(await _optional_response(target, "transcribe"))


@check(
    "requests-actions-answered",
    level=Level.SHOULD,
    source=_REQUESTS + "; chatkit/server.py ChatKitServer.action and .sync_action raise",
    fix="Override `action` and `sync_action`, or decline them with a 4xx or with an `error` event "
    "whose `allow_retry` is false.",
    needs={"transport-reachable"},
    judges_errors=True,
)
async def actions_answered(target: Target) -> None:
    """Actions and structured input succeed, or are declined without offering a retry."""
    for name in ("action", "sync", "structured"):
        response = await _optional_response(target, name)
        _require_done_or_declined(response)
        for event in response.events_of_type("error"):
            require(
                event.get("allow_retry") is not True,
                response,
                "an error event without `allow_retry`, because a retry cannot succeed",
                event,
            )


def _require_done_or_declined(response: Exchange) -> None:
    """Fail unless an optional operation succeeded or was declined with a 4xx or 501."""
    if response.is_client_error or response.status == HTTPStatus.NOT_IMPLEMENTED:
        return
    # Backends that route by hand send {"error": "Unknown request type"} with the status 200.
    is_error = dig(response.json, "error") is not None
    has_content = response.events or (response.json is not None and not is_error)
    is_done = response.ok and (has_content or response.status == HTTPStatus.NO_CONTENT)
    require(is_done, response, "success, or a 4xx that declines the operation")
