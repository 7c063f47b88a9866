"""CORS: the page's origin may ask and read the answers, a stranger's may not."""

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import fail, require, skip
from chatkit_scaffold.conformance.fixtures import UNKNOWN_THREAD, opening, probe
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target, allowed_origin
from chatkit_scaffold.protocol.exchange import Exchange

FOREIGN_ORIGIN = "https://attacker.example"
_CLIENT_HEADERS = ("content-type", "accept-language", "authorization", "chatkit-frame-instance-id")
_FETCH = "Fetch Standard, 3.2 CORS protocol"


@check(
    "transport-cors-preflight",
    level=Level.MUST,
    source=_FETCH + "; headers as chatkit-js sends them",
    fix='Add CORSMiddleware with the page\'s origin, allow_methods=["POST"] and '
    'allow_headers=["*"].',
    needs={"transport-reachable"},
)
async def cors_preflight(target: Target) -> None:
    """A preflight for the page's origin allows POST and the headers ChatKit sends."""
    answer = await _preflight(target, ", ".join(_CLIENT_HEADERS))
    if not allowed_origin(answer) and not target.origin_given:
        skip(f"{target.origin} is not allowed; name your page's origin with --origin")
    expected = f"2xx, Access-Control-Allow-Origin: {target.origin}, ChatKit's headers allowed"
    require(answer.ok, answer, expected)
    require(allowed_origin(answer) in ("*", target.origin), answer, expected, _cors(answer))
    allowed = {
        name.strip().lower()
        for name in answer.headers.get("access-control-allow-headers", "").split(",")
    }
    # A wildcard does not cover `authorization` (Fetch Standard, 4.9), which few pages send.
    missing = [name for name in _CLIENT_HEADERS if name not in allowed]
    require(not missing or "*" in allowed, answer, expected, f"not allowed: {', '.join(missing)}")


@check(
    "transport-cors-answers",
    level=Level.MUST,
    source=_FETCH,
    fix="Let CORSMiddleware wrap the whole application, streams included.",
    needs={"transport-cors-preflight"},
)
async def cors_answers(target: Target) -> None:
    """Answers, streams too, carry the page's origin in Access-Control-Allow-Origin."""
    _, created = await opening(target)
    for answer in (await probe(target), created):
        require(
            allowed_origin(answer) in ("*", target.origin),
            answer,
            f"Access-Control-Allow-Origin: {target.origin}",
            _cors(answer),
        )


@check(
    "transport-cors-errors",
    level=Level.MUST,
    source=_FETCH + "; starlette ServerErrorMiddleware answers outside CORSMiddleware",
    fix="Catch exceptions inside CORSMiddleware (an exception handler or a try in the route), so "
    "that errors carry the CORS headers too.",
    needs={"transport-cors-preflight"},
)
async def cors_errors(target: Target) -> None:
    """Errors carry Access-Control-Allow-Origin as well, so that the page can read them."""
    answers = [
        await target.user.call("threads.get_by_id", thread_id=UNKNOWN_THREAD),
        await target.user.send(b"{not json"),
        await target.user.call("threads.get_by_id"),
    ]
    errors = [answer for answer in answers if answer.is_error]
    if not errors:
        skip("nothing that was tried is answered with an error")
    for answer in errors:
        require(
            allowed_origin(answer) in ("*", target.origin),
            answer,
            f"the error with Access-Control-Allow-Origin: {target.origin}",
            f"{answer.got}, {_cors(answer)}",
        )


@check(
    "transport-cors-strangers",
    level=Level.MUST,
    source=_FETCH + ", 3.2.5 CORS protocol and credentials",
    fix="List the origins of your own pages in allow_origins; never echo the request's Origin "
    "together with allow_credentials=True.",
    needs={"transport-reachable"},
)
async def cors_strangers(target: Target) -> None:
    """A page from an unknown origin is not allowed to use the visitor's cookies."""
    body = b'{"type": "threads.list", "params": {"limit": 1}}'
    answers = [
        await _preflight(target, "content-type", FOREIGN_ORIGIN),
        await target.user.send(body, headers={"origin": FOREIGN_ORIGIN}),
    ]
    for answer in answers:
        credentials = answer.headers.get("access-control-allow-credentials", "").strip().lower()
        if allowed_origin(answer) == FOREIGN_ORIGIN and credentials == "true":
            fail(answer, f"no Access-Control-Allow-Origin for {FOREIGN_ORIGIN}", _cors(answer))


async def _preflight(target: Target, names: str, origin: str = "") -> Exchange:
    asking = await target.stranger("a browser's preflight")
    headers = {
        "origin": origin or target.origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": names,
    }
    return await asking.send(b"", method="OPTIONS", headers=headers)


def _cors(answer: Exchange) -> str:
    found = [
        f"{name}: {answer.headers[name]}"
        for name in ("access-control-allow-origin", "access-control-allow-credentials")
        if name in answer.headers
    ]
    return ", ".join(found) or "no Access-Control-Allow-Origin"
