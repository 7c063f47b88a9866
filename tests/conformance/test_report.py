"""Reports: exit status, verdict, causes and five formats."""

import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from chatkit_scaffold.conformance.check import Check, Level, Outcome
from chatkit_scaffold.conformance.diagnosis import Kind
from chatkit_scaffold.conformance.families import REGISTRY
from chatkit_scaffold.conformance.formats import Format, render, text
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.conformance.result import Result
from chatkit_scaffold.text import escaped

MUST = REGISTRY["threads-deleted"]
SHOULD = REGISTRY["transport-not-cached"]
NEEDED = REGISTRY["requests-listed"]


def result(check: Check, outcome: Outcome, reason: str = "") -> Result:
    """Return a result as a run returns it."""
    failure = outcome is Outcome.FAILED
    return Result(
        check,
        outcome,
        reason=reason,
        sent='POST {"type": "x"}' if failure else "",
        expected="200" if failure else "",
        got="500, <html> & 50% \\x1b[2J" if failure else "",
        fix=check.fix if failure else "",
        seconds=0.25,
    )


def report(*results: Result) -> Report:
    """Return the report of a run."""
    return Report("http://127.0.0.1:8000/chatkit", list(results), seconds=1.5, requests=7)


@pytest.fixture
def mixed() -> Report:
    """A report with every outcome."""
    return report(
        result(SHOULD, Outcome.FAILED),
        result(MUST, Outcome.FAILED),
        result(NEEDED, Outcome.PASSED),
        result(REGISTRY["threads-renamed"], Outcome.UNTESTABLE, "needs threads-listed"),
        result(REGISTRY["access-read-separate"], Outcome.SKIPPED, "a second user is required"),
    )


@pytest.mark.parametrize(
    ("results", "status", "strict"),
    [
        ([result(MUST, Outcome.PASSED)], 0, 0),
        ([result(MUST, Outcome.SKIPPED)], 0, 0),
        ([result(SHOULD, Outcome.FAILED)], 0, 1),
        ([result(MUST, Outcome.FAILED)], 1, 1),
        ([result(MUST, Outcome.UNTESTABLE)], 2, 2),
    ],
    ids=["passed", "skipped", "should", "must", "untestable"],
)
def test_exit_status(results: list[Result], status: int, strict: int) -> None:
    """The status is 1 for a required failure, and never 0 if a check was untestable."""
    assert report(*results).exit_status() == status
    assert report(*results).exit_status(strict=True) == strict


def test_bug_in_a_check_is_no_verdict() -> None:
    """The status is 2 for a bug in a check, but 1 if a required check failed as well."""
    good = report(result(MUST, Outcome.PASSED))
    good.errors = ["threads-deleted: KeyError: 'x'"]
    assert good.exit_status() == 2
    bad = report(result(MUST, Outcome.FAILED))
    bad.errors = good.errors
    assert bad.exit_status() == 1


def test_most_important_first() -> None:
    """A MUST comes before a SHOULD, and a failure that blocks other checks comes first."""
    found = report(
        result(SHOULD, Outcome.FAILED),
        result(MUST, Outcome.FAILED),
        result(NEEDED, Outcome.FAILED),
        result(REGISTRY["threads-listed"], Outcome.UNTESTABLE, "needs requests-listed"),
        result(REGISTRY["threads-paged"], Outcome.UNTESTABLE, "needs threads-listed"),
    ).most_important()
    assert [one.first.check for one in found] == [NEEDED, MUST, SHOULD]


def caused(check_id: str, cause: str, kind: Kind) -> Result:
    """Return a failure with a root cause."""
    found = result(REGISTRY[check_id], Outcome.FAILED)
    found.cause, found.kind, found.fix = cause, kind, f"Repair that {cause}."
    return found


@pytest.fixture
def server_error() -> Report:
    """A report in which a server error is behind three failures and blocks two checks."""
    torn = "the server breaks off its answers"
    error = "the server failed on items.list"
    return report(
        result(MUST, Outcome.FAILED),
        caused("transport-event-stream-type", torn, Kind.BROKEN_STREAM),
        caused("requests-no-server-errors", error, Kind.SERVER_ERROR),
        caused("requests-all-understood", error, Kind.SERVER_ERROR),
        result(REGISTRY["transport-cors-answers"], Outcome.UNTESTABLE, error),
        result(REGISTRY["threads-renamed"], Outcome.UNTESTABLE, "needs requests-all-understood"),
        result(SHOULD, Outcome.FAILED),
        caused("threads-paged", error, Kind.SERVER_ERROR),
    )


def test_causes_from_which_others_follow_come_first(server_error: Report) -> None:
    """A server error comes before a broken stream, and that before what a check looks for."""
    assert [cause.name for cause in server_error.root_causes()] == [
        "the server failed on items.list",
        "the server breaks off its answers",
        "threads-deleted",
        "transport-not-cached",
    ]


def test_level_of_a_failure_decides() -> None:
    """A MUST that is only a SHOULD on this server neither fails the run nor comes first."""
    lowered = result(MUST, Outcome.FAILED)
    lowered.level_here = Level.SHOULD
    found = report(lowered, result(NEEDED, Outcome.FAILED))
    assert found.most_important()[0].first.check is NEEDED
    assert report(lowered).exit_status() == 0
    assert "! threads-deleted (SHOULD)" in text.render(found)


def test_text_shows_a_cause_once(server_error: Report) -> None:
    """The first failure has the fix; the others take one line, as do the blocked checks."""
    shown = text.render(server_error)
    assert "  1. The server failed on items.list (requests-no-server-errors, MUST)\n" in shown
    assert (
        "     Explains 4 more checks: requests-all-understood, threads-paged, "
        "transport-cors-answers and threads-renamed\n"
    ) in shown
    line = "  ✗ threads-paged (MUST): the server failed on items.list, see 1 above\n"
    assert line in shown
    assert shown.count("Repair that the server failed") == 2
    assert (
        "  2 (the server failed on items.list): transport-cors-answers and threads-renamed\n"
        in shown
    )


def test_json_has_the_causes(server_error: Report) -> None:
    """JSON names the cause of a failure, and what it explains at the first of its failures."""
    value = json.loads(render(server_error, Format.JSON))
    checks = {one["id"]: one for one in value["checks"]}
    assert value["most_important"][0] == "requests-no-server-errors"
    assert checks["threads-paged"]["cause"] == "the server failed on items.list"
    assert len(checks["requests-no-server-errors"]["explains"]) == 4
    assert checks["threads-paged"]["explains"] == []


def test_github_has_one_annotation_for_a_cause(server_error: Report) -> None:
    """GitHub shows few annotations, so a cause takes one, and the most important is first."""
    lines = render(server_error, Format.GITHUB).splitlines()
    assert [line.split("::")[1] for line in lines] == [
        "error title=requests-no-server-errors",
        "error title=transport-event-stream-type",
        "error title=threads-deleted",
        "warning title=transport-not-cached",
        "notice title=chatkit-scaffold check",
    ]
    assert "%0Aexplains: requests-all-understood, threads-paged" in lines[0]


def test_text(mixed: Report) -> None:
    """A failure shows what was sent, expected and received, and the fix."""
    shown = text.render(mixed)
    assert shown.index("Fix these first") < shown.index("transport: 0 of 1 passed")
    assert f"  ✗ threads-deleted (MUST): {MUST.title}" in shown
    assert '      sent:     POST {"type": "x"}\n      expected: 200\n      got:      500' in shown
    assert f"      fix:      {MUST.fix}\n" in shown
    assert "\x1b" not in shown


def test_text_counts_only_what_was_tested(mixed: Report) -> None:
    """A family with only skipped checks does not show "0 of 0 passed"."""
    shown = text.render(mixed)
    assert "access: 1 skipped\n  skipped (a second user is required): access-read-separate" in shown
    assert "0 of 0" not in shown


def test_text_collapses_untestable_checks_to_their_cause() -> None:
    """Checks that a failure blocks, directly or indirectly, share one line."""
    shown = text.render(
        report(
            result(NEEDED, Outcome.FAILED),
            result(REGISTRY["threads-listed"], Outcome.UNTESTABLE, "needs requests-listed"),
            result(REGISTRY["threads-paged"], Outcome.UNTESTABLE, "needs threads-listed"),
        )
    )
    assert "threads: 2 not tested\n" in shown
    assert "Not tested\n  2 (needs requests-listed): threads-listed and threads-paged\n" in shown


def test_text_shortens_long_lists_of_untestable_checks() -> None:
    """A failure that blocks everything does not fill the screen with ids."""
    blocked = [check for check in REGISTRY.values() if check.id != "transport-reachable"]
    shown = text.render(
        report(
            result(REGISTRY["transport-reachable"], Outcome.FAILED),
            *(result(check, Outcome.UNTESTABLE, "needs transport-reachable") for check in blocked),
        )
    )
    assert f"  {len(blocked)} (needs transport-reachable): transport-json-type, " in shown
    assert f" and {len(blocked) - 8} more\n" in shown


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        ([result(MUST, Outcome.PASSED)], "Passed: all required checks passed."),
        (
            [result(SHOULD, Outcome.FAILED)],
            "Passed: all required checks passed; see the warnings above.",
        ),
        ([result(MUST, Outcome.FAILED)], "Failed: 1 required check failed."),
        ([result(MUST, Outcome.UNTESTABLE)], "No verdict: not every check could be tested."),
    ],
    ids=["passed", "should", "must", "untestable"],
)
def test_text_ends_with_the_verdict(results: list[Result], verdict: str) -> None:
    """The last line is the verdict."""
    assert text.render(report(*results)).splitlines()[-1] == verdict


def test_totals(mixed: Report) -> None:
    """The totals count every outcome."""
    assert mixed.totals() == (
        "5 checks: 1 passed, 2 failed (1 required), 1 untestable, 1 skipped; 7 requests in 1.5 s"
    )


def test_styled_text_equals_plain_text(mixed: Report) -> None:
    """The report for a terminal differs only in color."""
    styled = text.styled(mixed)
    assert styled.plain + "\n" == text.render(mixed)
    assert any(span.style == "red" for span in styled.spans)


def test_json(mixed: Report) -> None:
    """The JSON report has the outcome of every check and the fix of a failure."""
    value = json.loads(render(mixed, Format.JSON))
    assert value["exit_status"] == 1
    assert value["counts"] == {"passed": 1, "failed": 2, "untestable": 1, "skipped": 1}
    assert value["required_failures"] == ["threads-deleted"]
    failure = next(one for one in value["checks"] if one["id"] == "threads-deleted")
    assert failure["outcome"] == "failed"
    assert failure["fix"] == MUST.fix


def test_junit(mixed: Report) -> None:
    """JUnit shows a failure for a MUST and an error for an untestable check."""
    suites = ET.fromstring(render(mixed, Format.JUNIT))  # noqa: S314 - our own
    threads = suites.find("testsuite[@name='threads']")
    assert threads is not None
    assert (threads.get("failures"), threads.get("errors")) == ("1", "1")
    assert suites.find("testsuite[@name='transport']/testcase/failure") is None
    strict = ET.fromstring(render(mixed, Format.JUNIT, strict=True))  # noqa: S314 - our own
    assert strict.find("testsuite[@name='transport']/testcase/failure") is not None


def test_github(mixed: Report) -> None:
    """GitHub shows an error for a MUST, a warning for a SHOULD, and the totals as a notice."""
    lines = render(mixed, Format.GITHUB).splitlines()
    assert lines[0].startswith(f"::error title=threads-deleted::{MUST.title}%0Asent: POST")
    assert "50%25" in lines[0]
    assert lines[1].startswith("::warning title=transport-not-cached::")
    assert lines[-1].startswith("::notice title=chatkit-scaffold check::5 checks")


HOSTILE = (
    "@octocat https://evil.example www.evil.example [x](https://evil.example) ![x](//evil.example)",
    "a | b || c `` | `code` ``` ~~x~~ | \\| end\\",
    "</code></details><script>alert(1)</script><img src=x onerror=alert(1)>",
    "first\n\n## second\n\n| a |\n|---|\n```\n<b>",
    "` @octocat",
)


def rendered(shown: str) -> list[Any]:
    """Return the tokens of a document, all levels in one list, as GitHub's dialect."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(shown)
    return [one for token in tokens for one in (token, *(token.children or ()))]


@pytest.mark.parametrize("sent", HOSTILE)
def test_markdown_shows_what_a_server_sent_only_as_code(sent: str) -> None:
    """No text of a server becomes a link, a mention, a tag or a cell of a table."""
    failure = result(MUST, Outcome.FAILED)
    failure.sent = failure.expected = failure.got = sent
    failure.fix = f"Send {sent}."
    untestable = result(NEEDED, Outcome.UNTESTABLE, sent)
    bad = report(failure, untestable)
    bad.leftover_threads = bad.errors = [sent]
    bad.url = sent
    tokens = rendered(render(bad, Format.MARKDOWN))
    own = {"<details><summary>threads-deleted</summary>\n", "</details>\n"}
    assert {one.content for one in tokens if one.type.startswith("html")} == own
    assert not [one for one in tokens if one.type in ("link_open", "image", "s_open", "fence")]
    prose = " ".join(one.content for one in tokens if one.type == "text")
    assert not re.search("octocat|https?:|www\\.", prose)
    assert [one.content for one in tokens if one.type == "code_inline"].count(escaped(sent)) >= 3
    assert sum(one.type == "heading_open" for one in tokens) == 4
    assert sum(one.type == "td_open" for one in tokens) == 4


def test_markdown(server_error: Report) -> None:
    """The summary starts with the verdict and the cause to fix first; details are collapsed."""
    shown = render(server_error, Format.MARKDOWN)
    url = "`http://127.0.0.1:8000/chatkit`"
    assert shown.startswith(f"## ❌ ChatKit backend check\n\n{url}: Failed: 5 required checks")
    first = "1. **The server failed on items.list** (`requests-no-server-errors`, MUST)\n"
    assert first in shown
    assert "| ⚠️ | `transport-not-cached` | SHOULD | A stream has the header `Cache-Control" in shown
    tokens = rendered(shown)
    assert sum(one.type == "tr_open" for one in tokens) == 1 + len(server_error.failures)
    assert sum(one.content.startswith("<details>") for one in tokens) == len(server_error.failures)


def test_markdown_of_a_right_server() -> None:
    """Nothing to fix takes three lines."""
    assert render(report(result(MUST, Outcome.PASSED)), Format.MARKDOWN) == (
        "## ✅ ChatKit backend check\n\n"
        "`http://127.0.0.1:8000/chatkit`: Passed: all required checks passed.\n\n"
        "1 checks: 1 passed, 0 failed, 0 untestable, 0 skipped; 7 requests in 1.5 s\n"
    )
