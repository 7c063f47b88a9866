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
    """The URL of a server that fails one SHOULD and no MUST."""
    with serve(build(FAULT)) as found:
        yield found


@pytest.fixture(scope="module")
def credentials() -> list[str]:
    """The options with the first user's credentials."""
    return ["--header", f"Authorization: {headers_for('first')['Authorization']}"]


def test_should_warns(url: str, credentials: list[str]) -> None:
    """A failed SHOULD is reported, but the status is 1 only with --strict."""
    result = check(url, *credentials, "--select", "transport-not-cached,transport-post-only")
    assert result.exit_code == 0, result.output
    assert "! transport-not-cached (SHOULD)" in result.stdout
    strict = check(url, *credentials, "--select", "transport-not-cached", "--strict")
    assert strict.exit_code == 1


def test_must_fails() -> None:
    """The status is 1 if a required check failed."""
    with serve(build(http_faults.FAULTS["requests-listed"])) as broken:
        credentials = f"Authorization: {headers_for('first')['Authorization']}"
        result = check(broken, "--header", credentials, "--select", "requests-listed")
    assert result.exit_code == 1
    assert "✗ requests-listed (MUST)" in result.stdout


def test_ignore(url: str, credentials: list[str]) -> None:
    """An ignored check does not run."""
    result = check(
        url, *credentials, "--select", "transport", "--ignore", "transport-not-cached", "--strict"
    )
    assert result.exit_code == 0, result.output
    assert "transport-not-cached" not in result.stdout


def test_json_to_a_file(url: str, credentials: list[str], tmp_path: Path) -> None:
    """--output writes the report to a file, and stdout stays empty."""
    file = tmp_path / "report.json"
    result = check(
        url, *credentials, "--select", "memory", "--format", "json", "--output", str(file)
    )
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert json.loads(file.read_text(encoding="utf-8"))["url"] == url


def test_headers_from_the_environment(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers can come from the environment, one on each line; an option replaces them."""
    first, second = (f"Authorization: {headers_for(user)['Authorization']}" for user in "ab")
    monkeypatch.setenv("CHATKIT_HEADER", f"{first}\n\nX-Test: 1\n")
    monkeypatch.setenv("CHATKIT_OTHER_HEADER", second)
    result = check(url, "--select", "access-list-separate")
    assert result.exit_code == 0, result.output
    assert "0 untestable, 0 skipped" in result.stdout
    replaced = check(url, "--header", "Authorization: Bearer wrong")
    assert "The server rejects the credentials" in replaced.stderr


def test_secret_without_a_name_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in the variable stays out of the error."""
    monkeypatch.setenv("CHATKIT_HEADER", "very secret")
    result = check("http://h/x")
    assert result.exit_code == 2
    assert "error: A line of CHATKIT_HEADER is not a header with a value\n" in result.stderr
    assert "secret" not in result.output


def test_token_without_a_name_is_not_shown() -> None:
    """A token that was passed without the header's name stays out of the error."""
    for line in ("Bearer secret", "Authorization: Bearer secret\nX: 1"):
        result = check("http://h/x", "--header", line)
        assert result.exit_code == 2
        assert "secret" not in result.output


def test_summary_is_appended(url: str, credentials: list[str], tmp_path: Path) -> None:
    """--summary adds Markdown to a file, and the report is still printed."""
    file = tmp_path / "summary.md"
    file.write_text("Earlier.\n", encoding="utf-8")
    result = check(url, *credentials, "--select", "memory", "--summary", str(file))
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("ChatKit backend ")
    assert file.read_text(encoding="utf-8").startswith("Earlier.\n## ✅ ChatKit backend check\n")


def test_list() -> None:
    """--list shows the id, the level and the title of every check."""
    lines = check("--list").stdout.splitlines()
    assert [line.split(maxsplit=2) for line in lines] == [
        [one.id, str(one.level), one.title] for one in REGISTRY.values()
    ]


def test_explain() -> None:
    """--explain accepts a symptom or an id."""
    for words in ("every message starts a new chat", "threads-created-once"):
        assert check("--explain", words).stdout.startswith("threads-created-once (MUST)")


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        ([], "URL is missing", "Pass the endpoint"),
        (["localhost:8000"], "'localhost:8000' is not a valid HTTP URL", "Pass the full URL"),
        (["http://127.0.0.1:9/x"], "http://127.0.0.1:9/x does not respond", "Start the server"),
        (["http://h/x", "--select", "threds"], "No check matches 'threds'", "mean threads"),
        (["http://h/x", "--ignore", "zzz"], "No check matches 'zzz'", "--list"),
        (["http://h/x", "--header", "secret"], "A line of --header is not", "'Name: value'"),
        (["http://h/x", "--header", "A b: 1"], "'A b' is not a header", "'Name: value'"),
        (["http://h/x", "--header", "A(b: 1"], "'A(b' is not a header", "'Name: value'"),
        (["http://h/x", "--header", "A: 1\nB: 2"], "A header cannot be sent: A", "one line"),
        (
            ["http://h/x", "--header", "A: 1", "--header", "a: 2"],
            "header a was passed twice",
            "once",
        ),
        (["http://h/x", "--header", "A: \u2028"], "is not a header with a value", "Name: value"),
        (["http://h/x", "--header", "A: ✓"], "A header cannot be sent: A", "ASCII"),
        (["http://h/x", "--origin", "example.com"], "'example.com' is not an origin", "scheme"),
        (["--explain", "qqq"], "No check matches 'qqq'", "Describe"),
        (
            ["http://h/x", "--select", "memory", "--ignore", "memory,transport,streaming,threads"],
            "No check is left to run",
            "Ignore fewer checks",
        ),
    ],
)
def test_wrong_usage(arguments: list[str], error: str, hint: str) -> None:
    """Wrong usage prints one sentence with the value and one hint, and exits with 2."""
    result = check(*arguments)
    assert result.exit_code == 2
    first, second = result.stderr.splitlines()
    assert first.startswith("error: ")
    assert error in first
    assert second.startswith(" hint: ")
    assert hint in second
    assert second.endswith((".", "?"))
    assert result.stdout == ""


def test_unknown_format() -> None:
    """An unknown format exits with 2 and lists the valid ones."""
    result = check("http://h/x", "--format", "xml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'xml' is not one of 'text', 'json', 'junit', 'github'" in result.stderr


def test_missing_credentials(url: str) -> None:
    """Without valid credentials there is no verdict, and the error does not show them."""
    result = check(url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "error: The server requires credentials (status 401)" in result.stderr
    wrong = check(url, "--header", "Authorization: Bearer wrong")
    assert "error: The server rejects the credentials in --header with status 401" in wrong.stderr
    assert "Bearer wrong" not in wrong.output


def test_unwritable_report(url: str, credentials: list[str], tmp_path: Path) -> None:
    """A path that cannot be written to is an error with that path."""
    target = tmp_path / "missing" / "report.txt"
    result = check(url, *credentials, "--select", "memory", "--output", str(target))
    assert result.exit_code == 2
    assert f"error: The report cannot be written to {target}" in result.stderr


def test_read_only(url: str, credentials: list[str]) -> None:
    """With --read-only, checks that write are skipped, for this reason."""
    result = check(url, *credentials, "--select", "requests-listed,threads-renamed", "--read-only")
    assert result.exit_code == 0, result.output
    assert "skipped (it writes, and --read-only was passed): " in result.stdout
    assert "requests: 1 of 1 passed" in result.stdout
