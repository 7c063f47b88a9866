"""`check` on servers that limit requests, hang, hide behind something else, or send odd text."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from starlette.responses import JSONResponse, Response
from typer.testing import Result

from tests.command import COMMAND, run
from tests.conformance.servers import odd_http
from tests.conformance.servers.correct import NO_FAULT, Fault, Parts, build, headers_for
from tests.conformance.servers.fronts import FRONTS, Front
from tests.conformance.servers.odd_http import answering, hanging, limited, refusal
from tests.conformance.servers.serving import App, serve
from tests.protocol.test_client import raw_server

# ruff: noqa: ARG001, ARG005 - a variant has the signature of what it replaces

CREDENTIALS = ["--header", f"Authorization: {headers_for('first')['Authorization']}"]
MEMORY = 150 * 1024
"""KiB that the command may use, whatever the server sends."""


def check(app: App | Fault, *options: str) -> Result:
    """Run the command on a server, as its first user."""
    served = build(app) if isinstance(app, Fault) else app
    with serve(served) as url:
        return run("check", url, *CREDENTIALS, *options)


def outcomes(app: App | Fault, *options: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Run the command on a server; return its status, and by check the outcome and the reason."""
    result = check(app, "--format", "json", *options)
    found = json.loads(result.stdout)["checks"]
    return result.exit_code, {one["id"]: (one["outcome"], one.get("reason", "")) for one in found}


def ids_with(found: dict[str, tuple[str, str]], outcome: str) -> set[str]:
    """Return the ids of the checks with an outcome."""
    return {check_id for check_id, (kind, _) in found.items() if kind == outcome}


# Servers that limit requests


@pytest.mark.parametrize(
    ("status", "retry_after", "reason"),
    [
        (429, "3600", "rate limited (status 429)"),
        (429, odd_http.http_date(3600), "rate limited (status 429)"),
        (503, "0", "rate limited or unavailable (status 503)"),
        (503, None, "rate limited or unavailable (status 503)"),
    ],
    ids=["429, an hour", "429, a date", "503, at once", "503, unsaid"],
)
def test_always_limited(status: int, retry_after: str | None, reason: str) -> None:
    """A server that refuses every request gets no verdict, and one sentence says why."""
    result = check(limited(lambda number, name: refusal(status, retry_after)))
    assert (result.exit_code, result.stdout) == (2, "")
    error, hint = result.stderr.splitlines()
    assert error.endswith(f"/chatkit accepts no request: {reason}")
    assert hint.startswith(" hint: Wait until it does")


@pytest.mark.parametrize(
    ("status", "retry_after"),
    [(429, "0"), (429, None), (503, "Thu, 01 Jan 2026 00:00:00 GMT"), (503, "soon")],
)
def test_sometimes_limited(status: int, retry_after: str | None) -> None:
    """What a server refuses is sent again, streams included, and every check gets its verdict."""
    refused: list[str] = []

    def refuse(number: int, name: str) -> Response | None:
        if number % 3:
            return None
        refused.append(name)
        return refusal(status, retry_after)

    code, found = outcomes(limited(refuse), "--select", "threads-read-after-first-turn")
    assert {kind for kind, _ in found.values()} == {"passed"}
    assert code == 0
    assert "threads.create" in refused


def test_waits_as_told() -> None:
    """The next request, whichever it is, comes after what Retry-After says."""
    times: list[float] = []

    def refuse(number: int, name: str) -> Response | None:
        times.append(time.monotonic())
        return refusal(429, "1") if number == 2 else None

    code, _ = outcomes(limited(refuse), "--select", "requests-listed,transport-event-types")
    assert code == 0
    assert len(times) > 3
    # The moment at which the server noted the refusal is earlier than that of the client.
    assert times[2] - times[1] >= 0.9


def test_limited_for_long() -> None:
    """What stays limited is untestable, nothing fails, and the server is left alone."""
    numbers: list[int] = []

    def refuse(number: int, name: str) -> Response | None:
        numbers.append(number)
        return refusal(429, "3600") if number > 20 else None

    code, found = outcomes(limited(refuse))
    assert code == 2
    assert ids_with(found, "failed") == set()
    assert "transport-reachable" in ids_with(found, "passed")
    reasons = {reason for kind, reason in found.values() if kind == "untestable"}
    assert "rate limited (status 429)" in reasons
    assert all(reason.startswith(("rate limited (", "needs ")) for reason in reasons)
    assert len(numbers) < 60


def test_one_operation_unavailable() -> None:
    """An operation that is never available is untestable; all others get their verdict."""
    broken = answering(lambda name: refusal(503) if name == "attachments.create" else None)
    code, found = outcomes(broken, "--select", "requests")
    assert code == 2
    assert ids_with(found, "failed") == set()
    reason = "rate limited or unavailable (status 503)"
    assert {one: found[one] for one in ids_with(found, "untestable")} == {
        "requests-attachments-answered": ("untestable", reason)
    }


# What stands in front of a backend


@pytest.mark.parametrize("front", FRONTS.values(), ids=list(FRONTS))
def test_front(front: Front) -> None:
    """One check fails and says what has answered; all others have one cause in common."""
    result = check(front.app())
    assert result.exit_code == 1
    got = _line(result.stdout, "got:")
    assert front.named in got
    assert front.fix in _line(result.stdout, "fix:")
    assert result.stdout.count("✗") == 1
    assert "✗ transport-reachable (MUST)" in result.stdout
    _, _, rest = result.stdout.partition("\nNot tested\n")
    causes = [line for line in rest.splitlines() if line.startswith("  ")]
    assert len(causes) == 1
    assert "transport-reachable" in causes[0]
    assert result.stdout.replace("\n", "").isprintable()


def _line(text: str, label: str) -> str:
    return next(line for line in text.splitlines() if line.strip().startswith(label))


def test_json_labelled_as_html_is_no_page() -> None:
    """A backend that labels its JSON as HTML stands for itself."""
    list_of_none = JSONResponse({"data": [], "has_more": False}, media_type="text/html")
    code, found = outcomes(list_of_none, "--select", "requests-listed")
    assert (code, ids_with(found, "failed")) == (0, set())


# Certificates


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A private authority."""
    return trustme.CA()


@pytest.fixture
def authority_file(authority: trustme.CA, tmp_path: Path) -> str:
    """The file with its certificate."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    return str(file)


@pytest.fixture(autouse=True)
def usual_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the usual authorities only, whatever the machine is set to."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)


@contextmanager
def secure_server(leaf: trustme.LeafCert, folder: Path) -> Iterator[str]:
    """Serve the correct server with a certificate."""
    file = folder / "server.pem"
    leaf.private_key_and_cert_chain_pem.write_to_path(str(file))
    with serve(build(), certificate=file) as url:
        yield url


@pytest.fixture
def secure(authority: trustme.CA, tmp_path: Path) -> Iterator[str]:
    """The URL of a server with a certificate of the private authority."""
    with secure_server(authority.issue_cert("127.0.0.1"), tmp_path) as url:
        yield url


def listed(url: str, *options: str) -> Result:
    """Run one check on a server."""
    return run("check", url, *CREDENTIALS, "--select", "requests-listed", *options)


def require_error(result: Result, error: str, hint: str) -> None:
    """Require one sentence and one hint, and no verdict."""
    assert (result.exit_code, result.stdout) == (2, "")
    first, second = result.stderr.splitlines()
    assert error in first
    assert hint in second


def test_private_authority(secure: str, authority_file: str) -> None:
    """A private certificate is refused, with the three ways to trust it."""
    hint = "--ca-file or SSL_CERT_FILE, or --insecure"
    require_error(listed(secure), "does not respond: the server's certificate is", hint)
    assert listed(secure, "--ca-file", authority_file).exit_code == 0
    assert listed(secure, "--insecure").exit_code == 0


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_trust_in_the_environment(
    secure: str, authority_file: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE and SSL_CERT_DIR name certificates to trust, as for OpenSSL."""
    value = authority_file if name == "SSL_CERT_FILE" else _hashed(authority_file)
    monkeypatch.setenv(name, value)
    assert listed(secure).exit_code == 0


def _hashed(file: str) -> str:
    """Return a folder in which OpenSSL finds a certificate by the hash of its subject."""
    command = ["openssl", "x509", "-in", file, "-noout", "-hash"]
    digest = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    folder = Path(file).parent / "authorities"
    folder.mkdir()
    (folder / f"{digest}.0").write_bytes(Path(file).read_bytes())
    return str(folder)


def test_self_signed(authority: trustme.CA, tmp_path: Path) -> None:
    """A self-signed certificate is called so."""
    file = tmp_path / "server.pem"
    file.write_bytes(authority.private_key_pem.bytes() + authority.cert_pem.bytes())
    with serve(build(), certificate=file) as url:
        require_error(listed(url), "the server's certificate is self-signed", "--insecure")
        assert listed(url, "--insecure").exit_code == 0


@pytest.mark.parametrize(
    ("name", "age", "problem"),
    [
        ("127.0.0.1", timedelta(days=1), ("has expired", "Renew the certificate")),
        ("127.0.0.1", -timedelta(days=1), ("is not valid yet", "Check the clocks")),
        ("127.0.0.2", None, ("is for another IP address", "Use a host name")),
    ],
    ids=["expired", "not yet valid", "other address"],
)
def test_wrong_certificate(
    authority: trustme.CA,
    authority_file: str,
    name: str,
    age: timedelta | None,
    problem: tuple[str, str],
) -> None:
    """Another fault of a certificate is named, even if its authority is trusted."""
    since, until = _validity(age)
    leaf = authority.issue_cert(name, not_before=since, not_after=until)
    error, hint = problem
    with secure_server(leaf, Path(authority_file).parent) as url:
        result = listed(url, "--ca-file", authority_file)
    require_error(result, f"the server's certificate {error}", hint)


def _validity(age: timedelta | None) -> tuple[datetime | None, datetime | None]:
    """Return the times between which a certificate is valid that expired *age* ago."""
    if age is None:
        return None, None
    now, day = datetime.now(UTC), timedelta(days=1)
    return (now - 2 * day, now - day) if age > timedelta() else (now + day, now + 2 * day)


def test_wrong_host_name(authority: trustme.CA, authority_file: str, tmp_path: Path) -> None:
    """A certificate for another host name is named."""
    with secure_server(authority.issue_cert("example.com"), tmp_path) as url:
        named = url.replace("127.0.0.1", "localhost")
        result = listed(named, "--ca-file", authority_file)
    require_error(result, "the server's certificate is for another host name", "Use a host name")


def test_wrong_scheme(secure: str) -> None:
    """Https for a server without TLS, and the reverse, are errors that say so."""
    require_error(
        listed(secure.replace("https:", "http:")), "server expects TLS at this port", "Use https://"
    )
    with serve(build()) as url:
        plain = listed(url.replace("http:", "https:"))
    require_error(plain, "the server does not speak TLS at this port", "Use http://")


def test_silent_server_without_tls() -> None:
    """A server that closes the connection, whatever is sent, is not one that expects TLS."""
    with raw_server(lambda connection: connection.close()) as url:
        require_error(listed(url), "the connection was cut off", "Start the server")


@pytest.mark.parametrize(
    ("content", "error"),
    [(None, "No such file or directory"), (b"not a certificate", "it has no certificate")],
)
def test_unusable_authorities(
    content: bytes | None, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of certificates that is missing or holds none is an error, before any request."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    hint = "Pass a file in PEM format"
    expected = f"The CA file {file} cannot be used: {error}"
    require_error(listed("https://127.0.0.1:9/x", "--ca-file", str(file)), expected, hint)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    expected = f"SSL_CERT_FILE={file} cannot be used: {error}"
    require_error(listed("https://127.0.0.1:9/x"), expected, hint)


# Cookies


@pytest.mark.parametrize(
    ("response", "hint"),
    [
        (JSONResponse({"detail": "No session"}, 401), "--header 'Cookie: …'"),
        (JSONResponse({}, 403, {"set-cookie": "sid=1"}), "--header 'Cookie: …'"),
        (JSONResponse({"detail": "Not authenticated"}, 401), "'Authorization: Bearer …'"),
        (
            JSONResponse({"detail": "Log in"}, 401, {"www-authenticate": "Bearer"}),
            "'Authorization: Bearer …'",
        ),
    ],
)
def test_missing_credentials(response: Response, hint: str) -> None:
    """The hint shows how to pass the kind of credentials that the server seems to use."""
    with serve(response) as url:
        require_error(run("check", url), "The server requires credentials (status 40", hint)


# Servers that hang, or send without end


def test_no_response_ends() -> None:
    """A byte every half second is a verdict after one wait, not after one for each check."""
    seen: list[str] = []

    def drip(name: str) -> Response | None:
        seen.append(name)
        return odd_http.json_of(odd_http.dripping())

    result = check(answering(drip), "--timeout", "1")
    assert result.exit_code == 1
    assert "not complete within 1 s" in _line(result.stdout, "got:")
    assert "if the server is only slow, raise --timeout" in _line(result.stdout, "fix:")
    assert seen == ["threads.list"]


STREAMS = ("threads.create", "threads.add_user_message", "threads.retry_after_item")


@pytest.mark.parametrize("body", [odd_http.pinging, odd_http.pouring], ids=["slow", "fast"])
def test_streams_never_end(body: Callable[[], Any]) -> None:
    """Streams without end get a failed check, and few of them are opened."""
    seen: list[str] = []

    def choose(name: str) -> Response | None:
        if name not in STREAMS:
            return None
        seen.append(name)
        return odd_http.events(body())

    code, found = outcomes(answering(choose), "--timeout", "1")
    assert code == 1
    assert "requests-listed" in ids_with(found, "passed")
    assert len(seen) < 30
    if body is odd_http.pinging:
        assert len(seen) <= 4
        assert any("kept it waiting for" in reason for _, reason in found.values())


@pytest.mark.parametrize(
    ("operation", "failed", "needing", "status"),
    [
        ("threads.sync_custom_action", "requests-actions-answered", set(), 0),
        (
            "attachments.create",
            "requests-attachments-answered",
            {"items-attachments-kept", "items-attachments-deleted", "access-attachments-separate"},
            2,
        ),
    ],
)
def test_optional_operations_hang(
    operation: str, failed: str, needing: set[str], status: int
) -> None:
    """Two optional operations that hang are two failures; what needs neither is tested."""
    hung = hanging("input.transcribe", operation)
    code, found = outcomes(hung, "--timeout", "3")
    assert code == status
    assert ids_with(found, "untestable") == needing
    assert ids_with(found, "failed") == {failed, "requests-transcription-answered"}


def test_family_hangs() -> None:
    """After two waits of full length in a family, its other checks are untestable."""
    seen: list[str] = []
    hung = hanging("items.feedback", "threads.retry_after_item", seen=seen)
    result = check(hung, "--timeout", "1", "--select", "items", "--ignore", "requests")
    assert result.exit_code in (1, 2)
    assert "two requests of items took the full 1 s" in result.stdout
    # `items-retry-only-one` sends a second retry, which gets a quarter of the time.
    assert seen == ["threads.retry_after_item"] * 2 + ["items.feedback"]


def test_slow_answers_are_not_endless() -> None:
    """Answers that still grow when the time is up are untestable, with the option that helps."""
    code, found = outcomes(
        Fault(settings={"echo_delay": 0.4}), "--timeout", "1", "--select", "streaming,transport"
    )
    assert code == 2
    assert ids_with(found, "failed") == set()
    assert "transport-reachable" in ids_with(found, "passed")
    assert any("raise --timeout" in reason for _, reason in found.values())


LARGE: dict[str, Callable[[str], Response | None]] = {
    "long line": lambda name: odd_http.events(odd_http.long_line()) if name in STREAMS else None,
    "endless events": lambda name: odd_http.events(odd_http.pouring()) if name in STREAMS else None,
    "page of 100 MB": lambda name: (
        odd_http.json_of(odd_http.long_page(100)) if name == "threads.get_by_id" else None
    ),
    "page of 7 MB": lambda name: (
        odd_http.json_of(odd_http.long_page(7)) if name.startswith("threads.list") else None
    ),
}


@pytest.mark.parametrize("choose", LARGE.values(), ids=list(LARGE))
def test_memory_is_bounded(choose: Callable[[str], Response | None]) -> None:
    """Whatever a server sends, the command gets along with 150 MB, and ends with a verdict."""
    with serve(build(answering(choose))) as url:
        status, memory = _measured("check", url, *CREDENTIALS, "--format", "json")
    assert status in (1, 2)
    assert memory < MEMORY


_MEASURED = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""


def _measured(*arguments: str) -> tuple[int, int]:
    """Run the command; return its status and the most KiB that it used.

    Started by a small process: Linux counts what the parent used at that moment.
    """
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    status, memory = done.stdout.split()
    return int(status), int(memory)


# Odd text


ODD_IDS = ["\x1b[31m\x1b[2J{}", "a/b/../{}?x=1#y", "потік-{}-会話", "\u202e{}\u2028\x07\n"]


@pytest.mark.parametrize("form", ODD_IDS, ids=["escapes", "slashes", "scripts", "controls"])
@pytest.mark.parametrize("deletes", [True, False], ids=["deletes", "keeps"])
def test_odd_ids(form: str, *, deletes: bool) -> None:
    """Ids of any text get a verdict, and none of it reaches the terminal raw."""

    def patch(parts: Parts) -> None:
        numbers = iter(range(10_000_000, 20_000_000))
        parts.store.generate_thread_id = lambda context: form.format(next(numbers))
        parts.store.generate_item_id = lambda kind, thread, context: form.format(next(numbers))

    kept = answering(lambda name: JSONResponse({}, 500) if name == "threads.delete" else None)
    result = check(replace(NO_FAULT if deletes else kept, patch=patch))
    assert result.exit_code == (0 if deletes else 1), result.output
    assert result.stdout.replace("\n", "").isprintable()
    assert result.stderr.replace("\n", "").isprintable()
