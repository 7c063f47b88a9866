"""Checks a server: selects the checks, runs them, and deletes the threads they created."""

import asyncio
import ssl
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import NoReturn

from chatkit_scaffold.conformance.check import Check
from chatkit_scaffold.conformance.cleanup import clean_up
from chatkit_scaffold.conformance.families import REGISTRY
from chatkit_scaffold.conformance.fixtures import probe
from chatkit_scaffold.conformance.front import in_front, uses_cookies
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.conformance.runner import Progress, Runner
from chatkit_scaffold.conformance.selection import select_checks
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange, Failure
from chatkit_scaffold.protocol.journal import Journal
from chatkit_scaffold.protocol.limits import InconclusiveError, Limits
from chatkit_scaffold.protocol.pace import Pace
from chatkit_scaffold.protocol.patience import Patience
from chatkit_scaffold.protocol.tls import speaks_tls

DEFAULT_ORIGIN = "http://localhost:3000"
"""The usual origin of a front end's development server."""
_RUN_TIMEOUTS = 60
"""How many read timeouts a run may take: it waits for about forty answers, and a slow model may
need most of the timeout for each."""
_STREAM_TIMEOUTS = 2
"""How many read timeouts a stream may take."""


def run_checks(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    other_headers: Mapping[str, str] | None = None,
    origin: str | None = None,
    timeout: float = 30.0,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    trusted: ssl.SSLContext | None = None,
    read_only: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Check a server, then delete the threads that the checks created.

    Args:
        url: The ChatKit endpoint.
        headers: The first user's credentials.
        other_headers: The second user's credentials; without them, isolation is not checked.
        origin: Origin of the page that shows the chat, such as `https://example.com`.
        timeout: Seconds to wait for the server's next byte; a slow model takes some time.
        select: Ids or prefixes of ids to run, with the checks they need; by default, all.
        ignore: Ids or prefixes of ids to leave out.
        trusted: Whose certificates to trust; by default, see `tls.trust`.
        read_only: Send only what changes nothing on any server; skip the other checks.
        progress: See `Progress`.

    Raises:
        ScaffoldError: There is no verdict: the server does not respond, does not speak HTTP or
            rejects the credentials, or an argument is not valid.
    """
    checks = select_checks(REGISTRY, select, ignore)
    target = _target(url, (headers, other_headers), origin, timeout, trusted)
    target.user.journal.read_only = read_only
    return asyncio.run(_run(target, checks, progress))


def _target(
    url: str,
    users: tuple[Mapping[str, str] | None, Mapping[str, str] | None],
    origin: str | None,
    timeout: float,
    trusted: ssl.SSLContext | None,
) -> Target:
    page = origin or DEFAULT_ORIGIN
    limits = Limits(read_timeout=timeout, exchange_timeout=timeout * _STREAM_TIMEOUTS)
    journal = Journal(pace=Pace(timeout), patience=Patience(timeout), careful=True)

    def chatkit(name: str, headers: Mapping[str, str] | None) -> Chatkit:
        return Chatkit(
            url,
            name=name,
            headers=headers,
            origin=page,
            limits=limits,
            journal=journal,
            trusted=trusted,
        )

    first, second = users
    second_user = None if second is None else chatkit("the second user", second)
    return Target(
        chatkit("", first), second_user, origin=page, origin_is_explicit=origin is not None
    )


async def _run(target: Target, checks: list[Check], progress: Progress | None) -> Report:
    started = time.monotonic()
    deadline = started + _RUN_TIMEOUTS * target.limits.read_timeout
    try:
        await _require_usable(target)
        runner = Runner(target, checks, deadline=deadline)
        await runner.run(progress)
        leftover = await clean_up(target)
    finally:
        await target.close()
    return Report(
        url=target.user.display_url,
        results=runner.results,
        errors=runner.errors,
        leftover_threads=list(leftover),
        leftover_reasons=leftover,
        unfinished=runner.unfinished,
        seconds=time.monotonic() - started,
        requests=len(target.exchanges),
    )


async def _require_usable(target: Target) -> None:
    """Send a simple request.

    Raises:
        ScaffoldError: The server does not respond, accepts no request, or requires other
            credentials.
    """
    url = target.user.display_url
    try:
        response = await probe(target)
    except InconclusiveError as error:
        raise ScaffoldError(
            f"{url} accepts no request: {error}",
            hint="Wait until it does, and turn off the limit for the user of the check.",
        ) from None
    if not response.status:
        await _explain_silence(target, response)
    if response.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        _require_credentials(target, response)


async def _explain_silence(target: Target, response: Exchange) -> NoReturn:
    url = target.user.display_url
    if response.failure is Failure.CUT_OFF and await speaks_tls(url, target.limits.read_timeout):
        raise ScaffoldError(
            f"{url} does not respond: the server expects TLS at this port",
            hint="Use https:// in the URL.",
        )
    raise ScaffoldError(
        f"{url} does not respond: {response.error}",
        hint=response.advice or "Start the server, and pass the URL of its ChatKit route.",
    )


def _require_credentials(target: Target, response: Exchange) -> None:
    """Say which credentials are missing, unless a page shows that something else has refused."""
    if response.status == HTTPStatus.FORBIDDEN and in_front(response):
        return
    if target.authenticated:
        raise ScaffoldError(
            f"The server rejects the credentials in --header with status {response.status}",
            hint="Pass credentials that are still valid, as the front end sends them.",
        )
    value = "Cookie: …" if uses_cookies(response) else "Authorization: Bearer …"
    where = "; your browser's developer tools show it" if uses_cookies(response) else ""
    raise ScaffoldError(
        f"The server requires credentials (status {response.status})",
        hint=f"Pass them with --header '{value}'{where}.",
    )
