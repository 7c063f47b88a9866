"""Faults of what surrounds the SDK: routes, middlewares, proxies, error handling."""

from typing import Any

from starlette.responses import JSONResponse, RedirectResponse, Response

from tests.conformance.servers import hand_routed, tamper
from tests.conformance.servers.correct import Fault
from tests.conformance.servers.serving import PATH, Message
from tests.conformance.servers.tamper import Answer, Headers, Json

_KNOWN = ("threads.", "items.", "attachments.", "input.")
_TOP_LEVEL = {"type", "params", "metadata"}
_TRACEBACK = 'Traceback (most recent call last):\n  File "/srv/app/main.py", line 3, in chatkit'


def operation(request: Json) -> str:
    """Return the operation of a request, empty where it has none."""
    return str(request.get("type")) if isinstance(request, dict) else ""


def _redirected(_: Json, scope: Message) -> Response | None:
    if scope["path"] == PATH and scope["method"] == "POST":
        return RedirectResponse(f"{PATH}/", 307)
    return None


def _get_runs(_: Json, scope: Message) -> Response | None:
    return JSONResponse({"data": [], "has_more": False}) if scope["method"] == "GET" else None


def _json_as_text(_: Json, answer: Answer) -> None:
    answer.headers["content-type"] = "text/plain"


def _without(name: str) -> Any:
    return lambda _, found: found.pop(name, None)


def _few_headers_allowed(_: int, found: Headers) -> None:
    if "access-control-allow-headers" in found:
        found["access-control-allow-headers"] = "content-type"


def _streams_unreadable(_: int, found: Headers) -> None:
    if found.get("content-type", "").startswith("text/event-stream"):
        found.pop("access-control-allow-origin", None)


def _errors_unreadable(status: int, found: Headers) -> None:
    if status >= 400:
        found.pop("access-control-allow-origin", None)


def _anybody_reads(_: int, found: Headers) -> None:
    found["access-control-allow-origin"] = "https://attacker.example"
    found["access-control-allow-credentials"] = "true"


def _bare_list(request: Json, answer: Answer) -> None:
    if operation(request) == "threads.list" and answer.status == 200:
        answer.body = answer.body["data"]


def _fails(*operations: str, status: int = 500) -> Fault:
    def choose(request: Json, _: Message) -> Response | None:
        if operation(request) in operations:
            return JSONResponse({"detail": "Internal Server Error"}, status)
        return None

    return Fault(outside=tamper.instead(choose))


def _invites_retry(request: Json, _: Message) -> Response | None:
    if operation(request) == "threads.custom_action":
        return tamper.stream({"type": "error", "code": "stream.error", "allow_retry": True})
    return None


def _unknown_welcome(request: Json, _: Message) -> Response | None:
    unknown = operation(request) and not operation(request).startswith(_KNOWN)
    return (
        JSONResponse({"ok": True}) if unknown or operation(request) == "threads.explode" else None
    )


def _broken_json_fails(request: Json, scope: Message) -> Response | None:
    if request is None and scope["method"] == "POST":
        return JSONResponse({"detail": "Internal Server Error"}, 500)
    return None


def _invalid_fails(request: Json, answer: Answer) -> None:
    if request is not None and answer.status == 400:
        answer.status = 500


def _strict_members(request: Json, _: Message) -> Response | None:
    if isinstance(request, dict) and request.keys() - _TOP_LEVEL:
        return JSONResponse({"detail": "extra fields not permitted"}, 422)
    return None


def _traceback_shown(_: Json, answer: Answer) -> None:
    if answer.status >= 400:
        answer.body = {"detail": _TRACEBACK}


def _empty_stream_for(*operations: str) -> Fault:
    """What the SDK makes of an id that it cannot find: 200, and nothing."""

    def change(request: Json, answer: Answer) -> None:
        if operation(request) in operations and answer.status == 404:
            answer.status, answer.body = 200, b""
            answer.headers["content-type"] = "text/event-stream"

    return Fault(outside=tamper.answers(change))


def _begun_and_torn(request: Json, answer: Answer) -> None:
    if operation(request) == "threads.create" and answer.status == 404:
        created = {"type": "thread.created", "thread": {"id": "thr_torn", "items": {"data": []}}}
        answer.status, answer.body = 200, tamper.sse(created)
        answer.headers["content-type"] = "text/event-stream"


def _never_stopping_list(request: Json, answer: Answer) -> None:
    if operation(request) == "threads.list" and answer.body["data"]:
        answer.body["has_more"] = True
        answer.body.pop("after", None)


def _limited(request: Json, _: Message) -> Response | None:
    if operation(request) == "threads.list" and (request["params"].get("limit") or 0) > 100:
        return JSONResponse({"detail": "limit: at most 100"}, 422)
    return None


def _found_nothing(request: Json, answer: Answer) -> None:
    if operation(request) == "threads.get_by_id" and answer.status == 404:
        answer.status, answer.body = 200, {}


def _unknown_fails(_: Json, answer: Answer) -> None:
    if answer.status == 404:
        answer.status = 500


def _status(old: int, new: int) -> Any:
    def change(_: Json, answer: Answer) -> None:
        if answer.status == old:
            answer.status = new

    return change


def _hidden_shown(request: Json, answer: Answer) -> None:
    if operation(request) == "threads.get_by_id" and answer.status == 200:
        hidden = {"id": "h1", "type": "hidden_context_item", "content": "Obey."}
        answer.body["items"]["data"].append(hidden)


def _ascii_only(request: Json) -> Json:
    return _text_changed(request, lambda text: text.encode("ascii", "ignore").decode())


def _control_dropped(request: Json) -> Json:
    return _text_changed(request, lambda text: "".join(c for c in text if c >= " " or c in "\n\t"))


def _text_changed(request: Json, change: Any) -> Json:
    message = request.get("params", {}).get("input")
    for part in message.get("content", []) if isinstance(message, dict) else []:
        part["text"] = change(part["text"])
    return request


def _always_new(request: Json) -> Json:
    """Make a thread for every message, as the first seed's server did."""
    if operation(request) == "threads.add_user_message":
        return {"type": "threads.create", "params": {"input": request["params"]["input"]}}
    return request


def _attachments_for_all(request: Json, _: Message) -> Response | None:
    if operation(request) == "attachments.create":
        made = {"id": "atc_1", "type": "file", "name": "note.txt", "mime_type": "text/plain"}
        return JSONResponse(made)
    return JSONResponse({}) if operation(request) == "attachments.delete" else None


def _ghosts() -> Fault:
    """A store that makes a thread of whatever id is written to."""
    made: list[str] = []

    def change(request: Json, answer: Answer) -> None:
        if operation(request) == "threads.add_user_message" and answer.status == 404:
            made.append(request["params"]["thread_id"])
        if operation(request) == "threads.list" and answer.status == 200:
            answer.body["data"] = [{"id": ghost} for ghost in made] + answer.body["data"]

    return Fault(outside=tamper.answers(change))


def _only(kind: str) -> Any:
    return lambda event: [] if event["type"] == kind else [event]


def _unconfirmed(event: Json) -> list[Json]:
    mine = event["type"] == "thread.item.done" and event["item"]["type"] == "user_message"
    return [] if mine else [event]


def _bare_items(event: Json) -> list[Json]:
    if "item" in event:
        event["item"].pop("created_at", None)
    return [event]


FAULTS: dict[str, Fault] = {
    "transport-reachable": Fault(outside=tamper.instead(_redirected)),
    "transport-json-type": Fault(outside=tamper.answers(_json_as_text)),
    "transport-event-stream-type": Fault(app=hand_routed.first_seed),
    "transport-event-framing": Fault(
        outside=tamper.events(lambda event: [b"data: " + tamper.sse(event)])
    ),
    "transport-event-types": Fault(app=hand_routed.completions_dialect),
    "transport-streams-as-made": Fault(outside=tamper.held_back),
    "transport-not-cached": Fault(outside=tamper.headers(_without("cache-control"))),
    "transport-not-buffered": Fault(outside=tamper.headers(_without("x-accel-buffering"))),
    "transport-post-only": Fault(outside=tamper.instead(_get_runs)),
    "transport-cors-preflight": Fault(outside=tamper.headers(_few_headers_allowed)),
    "transport-cors-answers": Fault(outside=tamper.headers(_streams_unreadable)),
    "transport-cors-errors": Fault(outside=tamper.headers(_errors_unreadable)),
    "transport-cors-strangers": Fault(outside=tamper.headers(_anybody_reads)),
    "requests-listed": Fault(outside=tamper.answers(_bare_list)),
    "requests-all-understood": _fails("items.list", status=400),
    "requests-attachments-answered": _fails("attachments.create", "attachments.delete"),
    "requests-transcription-answered": _fails("input.transcribe"),
    "requests-actions-answered": Fault(outside=tamper.instead(_invites_retry)),
    "requests-unknown-refused": Fault(outside=tamper.instead(_unknown_welcome)),
    "requests-broken-json-refused": Fault(outside=tamper.instead(_broken_json_fails)),
    "requests-wrong-types-refused": Fault(outside=tamper.answers(_invalid_fails)),
    "requests-extras-tolerated": Fault(outside=tamper.instead(_strict_members)),
    "requests-huge-refused": Fault(settings={"max_body_bytes": 1_000_000_000}),
    "requests-no-internals": Fault(outside=tamper.answers(_traceback_shown)),
    "streaming-thread-created": Fault(outside=tamper.events(_only("thread.created"))),
    "streaming-ends": Fault(outside=tamper.events(lambda event: [event], tear=True)),
    "streaming-message-confirmed": Fault(outside=tamper.events(_unconfirmed)),
    "streaming-items-complete": Fault(outside=tamper.events(_bare_items)),
    "streaming-unknown-thread": _empty_stream_for("threads.add_user_message"),
    "streaming-unknown-item": _empty_stream_for("threads.retry_after_item"),
    "streaming-unknown-attachment": Fault(outside=tamper.answers(_begun_and_torn)),
    "threads-created-once": Fault(outside=tamper.requests(_always_new)),
    "threads-listed": Fault(outside=tamper.instead(_limited)),
    "threads-paged": Fault(outside=tamper.answers(_never_stopping_list)),
    "threads-unknown-refused": Fault(outside=tamper.answers(_found_nothing)),
    "threads-unknown-is-404": Fault(outside=tamper.answers(_unknown_fails)),
    "threads-no-ghosts": _ghosts(),
    "items-text-exact": Fault(outside=tamper.requests(_ascii_only)),
    "items-control-characters": Fault(outside=tamper.requests(_control_dropped)),
    "items-retry-answers": Fault(
        outside=tamper.instead(
            lambda request, _: (
                tamper.stream() if operation(request) == "threads.retry_after_item" else None
            )
        )
    ),
    "items-feedback-taken": _fails("items.feedback"),
    "items-tool-output-unasked": Fault(outside=tamper.answers(_status(409, 500))),
    "items-hidden-not-shown": Fault(outside=tamper.answers(_hidden_shown)),
    "access-missing-is-401": Fault(outside=tamper.answers(_status(401, 403))),
    "access-attachments-separate": Fault(outside=tamper.instead(_attachments_for_all)),
}
