"""`chatkit-scaffold check` at the command line."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from chatkit_scaffold.conformance.families import REGISTRY
from tests.command import run
from tests.conformance.servers import http_faults
from tests.conformance.servers.correct import build, headers_for
from tests.conformance.servers.serving import serve

FAULT = http_faults.FAULTS["transport-not-cached"]


def check(*arguments: str) -> Result:
    """Run the command."""
    return run("check", *arguments)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server whose only mistake is a SHOULD."""
    with serve(build(FAULT)) as found:
        yield found


@pytest.fixture(scope="module")
def credentials() -> list[str]:
    """The first user's, as one writes them on a command line."""
    return ["--header", f"Authorization: {headers_for('first')['Authorization']}"]


def test_a_should_warns(url: str, credentials: list[str]) -> None:
    """A SHOULD is told, and fails only with --strict."""
    result = check(url, *credentials, "--select", "transport-not-cached,transport-post-only")
    assert result.exit_code == 0, result.output
    assert "! transport-not-cached (SHOULD)" in result.stdout
    strict = check(url, *credentials, "--select", "transport-not-cached", "--strict")
    assert strict.exit_code == 1


def test_a_must_fails() -> None:
    """Something required that fails ends with 1."""
    with serve(build(http_faults.FAULTS["requests-listed"])) as broken:
        credentials = f"Authorization: {headers_for('first')['Authorization']}"
        result = check(broken, "--header", credentials, "--select", "requests-listed")
    assert result.exit_code == 1
    assert "✗ requests-listed (MUST)" in result.stdout


def test_ignore(url: str, credentials: list[str]) -> None:
    """What is ignored is not run."""
    result = check(
        url, *credentials, "--select", "transport", "--ignore", "transport-not-cached", "--strict"
    )
    assert result.exit_code == 0, result.output
    assert "transport-not-cached" not in result.stdout


def test_json_to_a_file(url: str, credentials: list[str], tmp_path: Path) -> None:
    """--output takes the report, and stdout stays empty."""
    file = tmp_path / "report.json"
    result = check(
        url, *credentials, "--select", "memory", "--format", "json", "--output", str(file)
    )
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert json.loads(file.read_text(encoding="utf-8"))["url"] == url


def test_list() -> None:
    """--list names every check, its level and its title."""
    lines = check("--list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(REGISTRY)


def test_explain() -> None:
    """--explain takes a symptom as well as an id."""
    assert (
        "streaming-thread-created" in check("--explain", "every message starts a new chat").stdout
    )


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        ([], "no URL was given", "name the endpoint"),
        (["localhost:8000"], "'localhost:8000' is not the URL of an HTTP server", "whole address"),
        (["http://127.0.0.1:9/x"], "http://127.0.0.1:9/x does not answer", "start the server"),
        (["http://h/x", "--format", "xml"], "there is no format 'xml'", "text, json, junit"),
        (["http://h/x", "--select", "threds"], "there is no check 'threds'", "threads"),
        (["http://h/x", "--ignore", "zzz"], "there is no check 'zzz'", "--list"),
        (["http://h/x", "--header", "secret"], "'secret' is not a header", "'Name: value'"),
        (["http://h/x", "--header", "A: 1", "--header", "a: 2"], "a is given twice", "once"),
        (["http://h/x", "--header", "A: \u2028"], "is not a header with a value", "Name: value"),
        (["http://h/x", "--header", "A: ✓"], "a header cannot be sent: A", "plain letters"),
        (["http://h/x", "--origin", "example.com"], "'example.com' is not an origin", "scheme"),
        (["--explain", "qqq"], "no check is called or about 'qqq'", "--list"),
        (
            ["http://h/x", "--select", "memory", "--ignore", "memory,transport,streaming,threads"],
            "no check is left",
            "ignore fewer",
        ),
    ],
)
def test_wrong_use(arguments: list[str], error: str, hint: str) -> None:
    """Wrong use is one sentence with the value, one hint, and 2."""
    result = check(*arguments)
    assert result.exit_code == 2
    first, second = result.stderr.splitlines()
    assert first.startswith("error: ")
    assert error in first
    assert second.startswith(" hint: ")
    assert hint in second
    assert result.stdout == ""


def test_credentials_are_asked_for(url: str) -> None:
    """Without credentials a server that wants them gives no verdict."""
    result = check(url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "error: the server asks for credentials: 401" in result.stderr
    wrong = check(url, "--header", "Authorization: Bearer wrong")
    assert "error: the server refuses the credentials of --header: 401" in wrong.stderr
    assert "Bearer wrong" not in wrong.output


def test_report_that_cannot_be_written(url: str, credentials: list[str], tmp_path: Path) -> None:
    """A path that cannot be written is one sentence."""
    target = tmp_path / "missing" / "report.txt"
    result = check(url, *credentials, "--select", "memory", "--output", str(target))
    assert result.exit_code == 2
    assert f"error: the report cannot be written to {target}" in result.stderr
