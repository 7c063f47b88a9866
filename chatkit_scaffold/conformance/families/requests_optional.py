"""Requests that a server may decline: attachments, dictation, actions and structured input."""

from http import HTTPStatus

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import require
from chatkit_scaffold.conformance.fixtures import fixture, own_thread
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, text_at

_REQUESTS = "chatkit/types.py ChatKitReq (openai-chatkit 1.6.5)"


@fixture
async def optional_responses(target: Target) -> dict[str, Exchange]:
    """The responses to operations that a server may decline."""
    own = await own_thread(target)
    action = {"type": "chatkit.unknown", "payload": {}}
    user = target.user
    return {
        "create": await user.call(
            "attachments.create", name="note.txt", size=4, mime_type="text/plain"
        ),
        "delete": await user.call("attachments.delete", attachment_id="atc_unknown"),
        "transcribe": await user.call(
            "input.transcribe", audio_base64="AAAA", mime_type="audio/webm"
        ),
        "action": await user.stream("threads.custom_action", thread_id=own.id, action=action),
        "sync": await user.call("threads.sync_custom_action", thread_id=own.id, action=action),
        "structured": await user.stream(
            "threads.add_structured_input",
            thread_id=own.id,
            item_id="si_unknown",
            input={"status": "skipped", "answers": {}},
        ),
    }


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
    responses = await optional_responses(target)
    _require_done_or_declined(responses["create"])
    _require_done_or_declined(responses["delete"])
    if responses["create"].ok and (created := text_at(responses["create"].json, "id")):
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
    _require_done_or_declined((await optional_responses(target))["transcribe"])


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
    responses = await optional_responses(target)
    for name in ("action", "sync", "structured"):
        _require_done_or_declined(responses[name])
        for event in responses[name].events_of_type("error"):
            require(
                event.get("allow_retry") is not True,
                responses[name],
                "an error event without `allow_retry`, because a retry cannot succeed",
                event,
            )


def _require_done_or_declined(response: Exchange) -> None:
    """Fail unless an optional operation succeeded or was declined with a 4xx or 501."""
    if response.is_client_error or response.status == HTTPStatus.NOT_IMPLEMENTED:
        return
    has_content = response.events or response.json is not None
    require(response.ok and has_content, response, "success, or a 4xx that declines the operation")
