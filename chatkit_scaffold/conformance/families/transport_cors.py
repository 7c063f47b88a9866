"""CORS: the page's origin can send requests and read responses, other origins cannot."""

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import (
    fail,
    require,
    require_no_server_error,
    skip,
    untestable,
)
from chatkit_scaffold.conformance.fixtures import first_turn, fixture, probe
from chatkit_scaffold.conformance.fixtures_access import listed_without_credentials, provoked_errors
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
    """A preflight request from the page's origin allows POST and the headers ChatKit sends."""
    response = await preflight(target)
    if not allowed_origin(response) and not target.origin_is_explicit:
        skip(f"{target.origin} is not allowed; pass your page's origin with --origin")
    expected = f"2xx, Access-Control-Allow-Origin: {target.origin}, ChatKit's headers allowed"
    require(response.ok, response, expected)
    require(allowed_origin(response) in ("*", target.origin), response, expected, _cors(response))
    allowed = {
        name.strip().lower()
        for name in response.headers.get("access-control-allow-headers", "").split(",")
    }
    # A wildcard does not cover `authorization` (Fetch Standard, 4.9), which few pages send.
    missing = [name for name in _CLIENT_HEADERS if name not in allowed]
    got = f"not allowed: {', '.join(missing)}"
    require(not missing or "*" in allowed, response, expected, got)


@check(
    "transport-cors-answers",
    level=Level.MUST,
    source=_FETCH,
    fix="Wrap the whole application in CORSMiddleware, including streams.",
    needs={"transport-reachable"},
)
async def cors_answers(target: Target) -> None:
    """Every response, including streams, allows the page's origin to read it."""
    await _require_allowed_page(target)
    _, turn = await first_turn(target)
    responses = await probe(target), turn
    require_no_server_error(*responses)
    for response in responses:
        require(
            allowed_origin(response) in ("*", target.origin),
            response,
            f"Access-Control-Allow-Origin: {target.origin}",
            _cors(response),
        )


@check(
    "transport-cors-errors",
    level=Level.MUST,
    source=_FETCH + "; starlette ServerErrorMiddleware responds outside CORSMiddleware",
    fix="Catch all exceptions in a try block around the whole route, inside CORSMiddleware, so "
    "that errors have the CORS headers too; a handler for `Exception` runs outside it.",
    needs={"transport-reachable"},
    judges_errors=True,
)
async def cors_errors(target: Target) -> None:
    """Error responses allow the page's origin to read them too."""
    await _require_allowed_page(target)
    responses = await provoked_errors(target)
    errors = [response for response in responses if response.is_error]
    if not errors:
        skip("no request returned an error")
    for response in errors:
        require(
            allowed_origin(response) in ("*", target.origin),
            response,
            f"the error with Access-Control-Allow-Origin: {target.origin}",
            f"{response.got}, {_cors(response)}",
        )


@check(
    "transport-cors-unauthorized",
    level=Level.MUST,
    source=_FETCH + "; starlette runs the middleware added last first",
    fix="Add CORSMiddleware after the middleware that authenticates, so that it wraps it, or "
    "authenticate in a dependency of the route.",
    needs={"transport-reachable"},
    judges_errors=True,
)
async def cors_unauthorized(target: Target) -> None:
    """The page's origin can read that credentials are missing, and ask the user to sign in."""
    await _require_allowed_page(target)
    response = await listed_without_credentials(target)
    if not response.is_client_error:
        skip("a request without credentials is not answered with a 4xx")
    require(
        allowed_origin(response) in ("*", target.origin),
        response,
        f"{response.status} with Access-Control-Allow-Origin: {target.origin}",
        f"{response.got}, {_cors(response)}",
    )


@check(
    "transport-cors-strangers",
    level=Level.MUST,
    source=_FETCH + ", 3.2.5 CORS protocol and credentials",
    fix="List the origins of your own pages in allow_origins; never return the request's Origin "
    "together with allow_credentials=True.",
    needs={"transport-reachable"},
)
async def cors_strangers(target: Target) -> None:
    """A page from an unknown origin cannot use the visitor's cookies.

    This is a MUST if there is a credential that the browser adds by itself. Otherwise, the other
    page has none to send; it is only one mistake away.
    """
    body = b'{"type": "threads.list", "params": {"limit": 1}}'
    responses = [
        await _preflight(target, "content-type", FOREIGN_ORIGIN),
        await target.user.send_raw(body, headers={"origin": FOREIGN_ORIGIN}),
    ]
    for response in responses:
        credentials = response.headers.get("access-control-allow-credentials", "").strip().lower()
        if allowed_origin(response) == FOREIGN_ORIGIN and credentials == "true":
            expected = f"no Access-Control-Allow-Origin for {FOREIGN_ORIGIN}"
            level = None if await _credentials_travel(target, responses) else Level.SHOULD
            fail(response, expected, _cors(response), level=level)
    listed = await probe(target)
    require_no_server_error(listed)
    if not listed.ok:
        untestable("threads.list does not return 200")


@fixture
async def preflight(target: Target) -> Exchange:
    """The response to the preflight request that a browser sends before the client's requests."""
    return await _preflight(target, ", ".join(_CLIENT_HEADERS), target.origin)


async def _preflight(target: Target, names: str, origin: str) -> Exchange:
    browser = await target.client_without_credentials("a browser's preflight")
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": names,
    }
    return await browser.send_raw(b"", method="OPTIONS", headers=headers)


async def _require_allowed_page(target: Target) -> None:
    """End the check if the page's origin is not allowed at all, which another check reports."""
    if allowed_origin(await preflight(target)) in ("*", target.origin):
        return
    if not target.origin_is_explicit:
        skip(f"{target.origin} is not allowed; pass your page's origin with --origin")
    untestable(f"the server does not allow {target.origin}")


async def _credentials_travel(target: Target, responses: list[Exchange]) -> bool:
    """Return whether a browser adds a credential to requests from other sites' pages."""
    if any(one.travels_by_itself for one in target.credentials):
        return True
    seen = [*responses, await probe(target)]
    if not target.read_only:
        seen += await first_turn(target)
    return any("set-cookie" in response.headers for response in seen)


def _cors(response: Exchange) -> str:
    found = [
        f"{name}: {response.headers[name]}"
        for name in ("access-control-allow-origin", "access-control-allow-credentials")
        if name in response.headers
    ]
    return ", ".join(found) or "no Access-Control-Allow-Origin"
