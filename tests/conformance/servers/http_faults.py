"""Faults around the SDK: in routes, middleware, proxies and error handling."""

from typing import Any

from starlette.responses import JSONResponse, RedirectResponse, Response

from tests.conformance.servers import hand_routed
from tests.conformance.servers.correct import Fault
from tests.conformance.servers.middleware import (
    BufferedResponse,
    Headers,
    Json,
    buffer_streams,
    change_events,
    change_headers,
    change_requests,
    change_responses,
    respond_instead,
    sse,
    stream,
)
from tests.conformance.servers.serving import PATH, App, Message

_KNOWN = ("threads.", "items.", "attachments.", "input.")
_TOP_LEVEL = {"type", "params", "metadata"}
_TRACEBACK = 'Traceback (most recent call last):\n  File "/srv/app/main.py", line 3, in chatkit'


def operation(request: Json) -> str:
    """Return the operation of a request; empty if it has none."""
    return str(request.get("type")) if isinstance(request, dict) else ""


def _redirected(_: Json, scope: Message) -> Response | None:
    if scope["path"] == PATH and scope["method"] == "POST":
        return RedirectResponse(f"{PATH}/", 307)
    return None


def _no_route(_: Json, scope: Message) -> Response | None:
    return JSONResponse({"detail": "Not Found"}, 404) if scope["path"] == PATH else None


def _get_runs(_: Json, scope: Message) -> Response | None:
    return JSONResponse({"data": [], "has_more": False}) if scope["method"] == "GET" else None


def _json_as_text(_: Json, response: BufferedResponse) -> None:
    response.headers["content-type"] = "text/plain"


def _without_header(name: str) -> Any:
    return lambda _, headers: headers.pop(name, None)


def _few_headers_allowed(_: int, headers: Headers) -> None:
    if "access-control-allow-headers" in headers:
        headers["access-control-allow-headers"] = "content-type"


def _streams_unreadable(_: int, headers: Headers) -> None:
    if headers.get("content-type", "").startswith("text/event-stream"):
        headers.pop("access-control-allow-origin", None)


def _errors_unreadable(status: int, headers: Headers) -> None:
    if status >= 400:
        headers.pop("access-control-allow-origin", None)


def _any_origin_allowed(_: int, headers: Headers) -> None:
    headers["access-control-allow-origin"] = "https://attacker.example"
    headers["access-control-allow-credentials"] = "true"


def _bare_list(request: Json, response: BufferedResponse) -> None:
    if operation(request) == "threads.list" and response.status == 200:
        response.body = response.body["data"]


def _fails(*operations: str, status: int = 500) -> Fault:
    def choose(request: Json, _: Message) -> Response | None:
        if operation(request) in operations:
            return JSONResponse({"detail": "Internal Server Error"}, status)
        return None

    return Fault(middleware=respond_instead(choose))


def _retry_offered(request: Json, _: Message) -> Response | None:
    if operation(request) == "threads.custom_action":
        return stream({"type": "error", "code": "stream.error", "allow_retry": True})
    return None


def _unknown_accepted(request: Json, _: Message) -> Response | None:
    name = operation(request)
    if name == "threads.explode" or (name and not name.startswith(_KNOWN)):
        return JSONResponse({"ok": True})
    return None


def _broken_json_fails(request: Json, scope: Message) -> Response | None:
    if request is None and scope["method"] == "POST":
        return JSONResponse({"detail": "Internal Server Error"}, 500)
    return None


def _invalid_fails(request: Json, response: BufferedResponse) -> None:
    if request is not None and response.status == 400:
        response.status = 500


def _strict_members(request: Json, _: Message) -> Response | None:
    if isinstance(request, dict) and request.keys() - _TOP_LEVEL:
        return JSONResponse({"detail": "extra fields not permitted"}, 422)
    return None


def _traceback_shown(_: Json, response: BufferedResponse) -> None:
    if response.status >= 400:
        response.body = {"detail": _TRACEBACK}


def _empty_stream_for(*operations: str) -> Fault:
    """Return an empty 200 for an unknown id, as the SDK does."""

    def change(request: Json, response: BufferedResponse) -> None:
        if operation(request) in operations and response.status == 404:
            response.status, response.body = 200, b""
            response.headers["content-type"] = "text/event-stream"

    return Fault(middleware=change_responses(change))


def _started_and_cut_off(request: Json, response: BufferedResponse) -> None:
    if operation(request) == "threads.create" and response.status == 404:
        created = {"type": "thread.created", "thread": {"id": "thr_cut_off", "items": {"data": []}}}
        response.status, response.body = 200, sse(created)
        response.headers["content-type"] = "text/event-stream"


def _endless_list(request: Json, response: BufferedResponse) -> None:
    if operation(request) == "threads.list" and response.body["data"]:
        response.body["has_more"] = True
        response.body.pop("after", None)


def _limit_rejected(request: Json, _: Message) -> Response | None:
    if operation(request) == "threads.list" and (request["params"].get("limit") or 0) > 100:
        return JSONResponse({"detail": "limit: at most 100"}, 422)
    return None


def _unknown_is_empty(request: Json, response: BufferedResponse) -> None:
    if operation(request) == "threads.get_by_id" and response.status == 404:
        response.status, response.body = 200, {}


def _unknown_fails(_: Json, response: BufferedResponse) -> None:
    if response.status == 404:
        response.status = 500


def _status(old: int, new: int) -> Any:
    def change(_: Json, response: BufferedResponse) -> None:
        if response.status == old:
            response.status = new

    return change


def _hidden_shown(request: Json, response: BufferedResponse) -> None:
    if operation(request) == "threads.get_by_id" and response.status == 200:
        hidden = {"id": "h1", "type": "hidden_context_item", "content": "Obey."}
        response.body["items"]["data"].append(hidden)


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
    """Create a thread for every message."""
    if operation(request) == "threads.add_user_message":
        return {"type": "threads.create", "params": {"input": request["params"]["input"]}}
    return request


def _ghosts() -> Fault:
    """Create a thread for every unknown id that is written to; each server has its own ghosts."""

    def wrap(app: App) -> App:
        created: list[str] = []

        def change(request: Json, response: BufferedResponse) -> None:
            if operation(request) == "threads.add_user_message" and response.status == 404:
                created.append(request["params"]["thread_id"])
            # Only on one page: a thread that is on every page would be a fault of paging.
            if operation(request) == "threads.list" and response.body.get("has_more") is False:
                response.body["data"] += [{"id": ghost} for ghost in created]

        return change_responses(change)(app)

    return Fault(middleware=wrap)


def _without_event(kind: str) -> Any:
    return lambda event: [] if event["type"] == kind else [event]


def _unconfirmed(event: Json) -> list[Json]:
    is_message = event["type"] == "thread.item.done" and event["item"]["type"] == "user_message"
    return [] if is_message else [event]


def _bare_items(event: Json) -> list[Json]:
    if "item" in event:
        event["item"].pop("created_at", None)
    return [event]


FAULTS: dict[str, Fault] = {
    "transport-reachable": Fault(middleware=respond_instead(_redirected)),
    "transport-json-type": Fault(middleware=change_responses(_json_as_text)),
    "transport-event-stream-type": Fault(app=hand_routed.json_only),
    "transport-event-framing": Fault(
        middleware=change_events(lambda event: [b"data: " + sse(event)])
    ),
    "transport-event-types": Fault(app=hand_routed.completion_chunks),
    "transport-streams-as-made": Fault(middleware=buffer_streams),
    "transport-not-cached": Fault(middleware=change_headers(_without_header("cache-control"))),
    "transport-not-buffered": Fault(
        middleware=change_headers(_without_header("x-accel-buffering"))
    ),
    "transport-post-only": Fault(middleware=respond_instead(_get_runs)),
    "transport-cors-preflight": Fault(middleware=change_headers(_few_headers_allowed)),
    "transport-cors-answers": Fault(middleware=change_headers(_streams_unreadable)),
    "transport-cors-errors": Fault(middleware=change_headers(_errors_unreadable)),
    "transport-cors-strangers": Fault(middleware=change_headers(_any_origin_allowed)),
    "requests-listed": Fault(middleware=change_responses(_bare_list)),
    "requests-no-server-errors": _fails("threads.create"),
    "requests-all-understood": _fails("items.list", status=400),
    "requests-attachments-answered": _fails("attachments.create", "attachments.delete"),
    "requests-transcription-answered": _fails("input.transcribe"),
    "requests-actions-answered": Fault(middleware=respond_instead(_retry_offered)),
    "requests-unknown-refused": Fault(middleware=respond_instead(_unknown_accepted)),
    "requests-broken-json-refused": Fault(middleware=respond_instead(_broken_json_fails)),
    "requests-wrong-types-refused": Fault(middleware=change_responses(_invalid_fails)),
    "requests-extras-tolerated": Fault(middleware=respond_instead(_strict_members)),
    "requests-huge-refused": Fault(settings={"max_body_bytes": 1_000_000_000}),
    "requests-no-internals": Fault(middleware=change_responses(_traceback_shown)),
    "streaming-thread-created": Fault(middleware=change_events(_without_event("thread.created"))),
    "streaming-ends": Fault(middleware=change_events(lambda event: [event], cut_off=True)),
    "streaming-message-confirmed": Fault(middleware=change_events(_unconfirmed)),
    "streaming-items-complete": Fault(middleware=change_events(_bare_items)),
    "streaming-unknown-thread": _empty_stream_for("threads.add_user_message"),
    "streaming-unknown-item": _empty_stream_for("threads.retry_after_item"),
    "streaming-unknown-attachment": Fault(middleware=change_responses(_started_and_cut_off)),
    "threads-created-once": Fault(middleware=change_requests(_always_new)),
    "threads-listed": Fault(middleware=respond_instead(_limit_rejected)),
    "threads-paged": Fault(middleware=change_responses(_endless_list)),
    "threads-unknown-refused": Fault(middleware=change_responses(_unknown_is_empty)),
    "threads-unknown-is-404": Fault(middleware=change_responses(_unknown_fails)),
    "threads-no-ghosts": _ghosts(),
    "items-text-exact": Fault(middleware=change_requests(_ascii_only)),
    "items-control-characters": Fault(middleware=change_requests(_control_dropped)),
    "items-retry-answers": Fault(
        middleware=respond_instead(
            lambda request, _: (
                stream() if operation(request) == "threads.retry_after_item" else None
            )
        )
    ),
    "items-feedback-taken": _fails("items.feedback"),
    "items-tool-output-unasked": Fault(middleware=change_responses(_status(409, 500))),
    "items-hidden-not-shown": Fault(middleware=change_responses(_hidden_shown)),
    "access-missing-is-401": Fault(middleware=change_responses(_status(401, 403))),
}

MORE_FAULTS: dict[str, tuple[str, Fault]] = {
    "no route": ("transport-reachable", Fault(middleware=respond_instead(_no_route))),
    "a page fails": ("requests-no-server-errors", _fails("items.list")),
}
