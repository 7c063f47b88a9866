"""Checks of access with other credentials than a bearer token, and how important they are."""

import asyncio

import pytest
from starlette.responses import JSONResponse, Response

from chatkit_scaffold.conformance.check import Level, Outcome
from chatkit_scaffold.conformance.credentials import Credential, as_headers, split_headers
from chatkit_scaffold.conformance.families import REGISTRY
from chatkit_scaffold.conformance.formats import Format, render
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.conformance.suite import run_checks
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import ids, rows
from tests.conformance.servers.access_faults import (
    forbidden_instead,
    only_conversation,
    ports_in_errors,
)
from tests.conformance.servers.catalogue import FAULTS, MORE_FAULTS
from tests.conformance.servers.correct import Fault, build, headers_for
from tests.conformance.servers.middleware import Json, respond_instead
from tests.conformance.servers.serving import Message, serve
from tests.conformance.servers.sign_in import RIGHT, WRONG, SignIn, sign_in

_ACCESS = [one for one in REGISTRY if one.startswith("access-")]


def run(way: SignIn, *select: str) -> Report:
    """Check the correct server with another way to sign in."""
    with serve(build(Fault(middleware=sign_in(way.user_of)))) as url:
        report = run_checks(
            url,
            headers=way.headers,
            other_headers=way.other_headers or None,
            timeout=5.0,
            select=select,
        )
    assert report.errors == []
    return report


def failed(report: Report) -> set[str]:
    """Return the ids of the checks that failed."""
    return {result.check.id for result in report.failures}


@pytest.mark.parametrize("way", RIGHT.values(), ids=list(RIGHT))
def test_ways_to_sign_in(way: SignIn) -> None:
    """No check of access fails on a server that verifies its users in another way."""
    report = run(way, *_ACCESS)
    assert failed(report) == set()
    assert report.counts[Outcome.UNTESTABLE] == 0
    skipped = {result.check.id for result in report.results if result.outcome is Outcome.SKIPPED}
    assert skipped >= {"access-attachments-separate"}
    assert ("access-garbage-refused" in skipped) is (way is RIGHT["guests"])


@pytest.mark.parametrize(("check_id", "way"), WRONG.values(), ids=list(WRONG))
def test_wrong_ways_to_sign_in(check_id: str, way: SignIn) -> None:
    """The check fails, whatever the user's credentials are."""
    assert check_id in failed(run(way, check_id))


def test_garbage_is_judged_by_itself() -> None:
    """A server that accepts any key fails for that, even if a missing key is refused."""
    report = run(WRONG["every key accepted"][1], "access-garbage-refused")
    assert report.failures[0].sent.endswith("as a client with 'garbage' as X-API-Key")


def test_credentials_are_not_shown() -> None:
    """No report of a failure has a secret of the user in it."""
    for check_id, way in WRONG.values():
        text = "".join(result.details() for result in run(way, check_id).failures)
        secrets = [one.secret for one in split_headers(way.headers)[1] if len(one.secret) > 8]
        assert text
        assert not [secret for secret in secrets if secret[-20:] in text]


def test_credentials_that_the_server_repeats_are_not_shown() -> None:
    """An error page may show the request's headers; the report does not repeat them."""

    def echo(_: Json, scope: Message) -> Response | None:
        key = dict(scope["headers"]).get(b"x-api-key", b"").decode()
        return JSONResponse({"headers": {"x-api-key": key}}, 500)

    with serve(build(Fault(middleware=respond_instead(echo)))) as url:
        report = run_checks(url, headers={"X-API-Key": "k3y-of-the-first"}, timeout=5.0)
    shown = render(report, Format.JSON)
    assert "k3y-of-the-first" not in shown
    assert "<credential>" in shown


def test_forbidden_instead_of_unauthorized() -> None:
    """Where credentials are refused with 403, only the check of the status fails."""
    with serve(build(forbidden_instead)) as url:
        report = run_checks(url, headers=headers_for("first"), select=_ACCESS, timeout=5.0)
    assert failed(report) == {"access-missing-is-401"}


def test_conversations_of_the_second_user_stay() -> None:
    """Where ids are ignored, a check must not change what the second user had before."""
    changing = [f"access-{what}-separate" for what in ("write", "rename", "retry", "delete")]

    async def threads(url: str) -> list[str]:
        async with Chatkit(url, headers=headers_for("second")) as user:
            if not (await user.call("threads.list", limit=9)).json["data"]:
                await user.create_thread("Mine, from long ago")
            listed = rows((await user.call("threads.list", limit=9)).json, "data")
            read = [await user.call("threads.get_by_id", thread_id=one) for one in ids(listed)]
            return [response.body.decode() for response in read]

    with serve(build(only_conversation)) as url:
        before = asyncio.run(threads(url))
        report = run_checks(
            url,
            headers=headers_for("first"),
            other_headers=headers_for("second"),
            select=changing,
            timeout=5.0,
        )
        assert asyncio.run(threads(url)) == before
    outcomes = {one.outcome for one in report.results if one.check.id in changing}
    assert outcomes == {Outcome.UNTESTABLE}


def test_other_numbers_are_no_refusals() -> None:
    """A port, a line or an amount in the text of a server error is not a status."""
    with serve(build(ports_in_errors)) as url:
        report = run_checks(
            url,
            headers=headers_for("first"),
            select=["requests-errors-parse", "access-refusal-status"],
            timeout=5.0,
        )
    assert failed(report) == set()


@pytest.mark.parametrize(
    ("fault", "level"),
    [
        (FAULTS["transport-cors-strangers"], Level.SHOULD),
        (MORE_FAULTS["any origin with a cookie"][1], Level.MUST),
    ],
    ids=["no cookie", "cookie"],
)
def test_strangers_matter_with_cookies(fault: Fault, level: Level) -> None:
    """Any origin may read responses: a MUST if the browser adds a cookie, otherwise a SHOULD."""
    with serve(build(fault)) as url:
        report = run_checks(
            url, headers=headers_for("first"), select=["transport-cors-strangers"], timeout=5.0
        )
    assert [result.level for result in report.failures] == [level]
    assert report.exit_status() == (level is Level.MUST)
    assert report.exit_status(strict=True) == 1


@pytest.mark.quick
def test_credentials_are_split() -> None:
    """Headers that every browser sends are no credentials, and each cookie is one."""
    headers = {
        "Accept-Language": "de",
        "Sec-Fetch-Mode": "cors",
        "authorization": "Bearer abc",
        "Cookie": "theme=dark; session=xyz",
    }
    plain, credentials = split_headers(headers)
    assert list(plain) == ["Accept-Language", "Sec-Fetch-Mode"]
    assert [one.name for one in credentials] == ["authorization", "cookie theme", "cookie session"]
    assert as_headers(credentials) == {
        "authorization": "Bearer abc",
        "Cookie": "theme=dark; session=xyz",
    }


@pytest.mark.quick
@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        (Credential("Authorization", "Bearer abc"), "Bearer new"),
        (Credential("Authorization", "abc"), "new"),
        (Credential("X-API-Key", "abc"), "new"),
        (Credential("Cookie", "a b", "session"), "new"),
    ],
)
def test_secret_is_replaced_after_its_scheme(credential: Credential, expected: str) -> None:
    """The scheme of a header stays; a cookie and a bare key have none."""
    assert credential.with_secret("new").value == expected


@pytest.mark.quick
@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        (Credential("Authorization", "x"), True),
        (Credential("X-API-Key", "x"), True),
        (Credential("Cookie", "x", "sessionid"), True),
        (Credential("Cookie", "x", "theme"), False),
        (Credential("X-Tenant", "x"), False),
        (Credential("X-Tenant-Key", "x"), False),
        (Credential("Idempotency-Key", "x"), False),
        (Credential("X-Session-Id", "x"), False),
    ],
)
def test_names_of_secrets(credential: Credential, expected: bool) -> None:
    """A name tells secrets from what a request is about."""
    assert credential.seems_secret is expected
