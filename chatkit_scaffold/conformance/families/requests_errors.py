"""Errors: their body is what its label says, and their status is that of the cause."""

import re

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import fail
from chatkit_scaffold.conformance.fixtures_access import provoked_errors
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.event_stream import parse_json
from chatkit_scaffold.protocol.exchange import Exchange

_JSON = re.compile(r"application/(.+\+)?json")


@check(
    "requests-errors-parse",
    level=Level.SHOULD,
    source="RFC 8259 (JSON); RFC 9110 section 8.3 Content-Type",
    fix="Encode error bodies with `json.dumps` or `JSONResponse`, not with `str` or an f-string.",
    needs={"transport-reachable"},
    last=True,
    judges_errors=True,
)
async def errors_parse(target: Target) -> None:
    """The body of an error that is labelled as JSON is JSON, or empty."""
    await provoked_errors(target)
    for exchange in target.exchanges:
        if exchange.is_error and (problem := _problem(exchange)):
            fail(exchange, "valid JSON, as Content-Type says", f"{exchange.got} ({problem})")


def _problem(response: Exchange) -> str:
    """Return why a body labelled as JSON is not; empty if it is, or has another label."""
    if not _JSON.fullmatch(response.content_type) or response.error or not response.body.strip():
        return ""
    try:
        parse_json(response.body)
    except ValueError as error:
        return str(error)
    return ""
