"""Checks a server: selects the checks, runs them, and deletes the threads they created."""

import asyncio
import time
from collections.abc import Iterable, Mapping

from chatkit_scaffold.conformance.check import Check
from chatkit_scaffold.conformance.cleanup import clean_up
from chatkit_scaffold.conformance.families import REGISTRY
from chatkit_scaffold.conformance.fixtures import probe
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.conformance.runner import Progress, Runner
from chatkit_scaffold.conformance.selection import select_checks
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.limits import Journal, Limits

DEFAULT_ORIGIN = "http://localhost:3000"
"""The usual origin of a front end's development server."""
_RUN_TIMEOUTS = 60
"""How many read timeouts a run may take: it waits for about forty answers, and a slow model may
need most of the timeout for each."""


def run_checks(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    other_headers: Mapping[str, str] | None = None,
    origin: str | None = None,
    timeout: float = 30.0,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
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
        read_only: Send only what changes nothing on any server; skip the other checks.
        progress: See `Progress`.

    Raises:
        ScaffoldError: There is no verdict: the server does not respond, does not speak HTTP or
            rejects the credentials, or an argument is not valid.
    """
    checks = select_checks(REGISTRY, select, ignore)
    target = _target(url, (headers, other_headers), origin, timeout, Journal(read_only=read_only))
    return asyncio.run(_run(target, checks, progress))


def _target(
    url: str,
    users: tuple[Mapping[str, str] | None, Mapping[str, str] | None],
    origin: str | None,
    timeout: float,
    journal: Journal,
) -> Target:
    page = origin or DEFAULT_ORIGIN
    limits = Limits(read_timeout=timeout, exchange_timeout=timeout * 4)

    def chatkit(name: str, headers: Mapping[str, str] | None) -> Chatkit:
        return Chatkit(url, name=name, headers=headers, origin=page, limits=limits, journal=journal)

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
        ScaffoldError: The server does not respond, or it requires other credentials.
    """
    response = await probe(target)
    if not response.status:
        raise ScaffoldError(
            f"{target.user.display_url} does not respond: {response.error}",
            hint="Start the server, and pass the URL of its ChatKit route.",
        )
    if response.status not in (401, 403):
        return
    if target.authenticated:
        raise ScaffoldError(
            f"The server rejects the credentials in --header with status {response.status}",
            hint="Pass credentials that are still valid, as the front end sends them.",
        )
    raise ScaffoldError(
        f"The server requires credentials (status {response.status})",
        hint="Pass them with --header 'Authorization: Bearer …'.",
    )
