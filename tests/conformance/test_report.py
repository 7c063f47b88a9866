"""Reports: exit status, verdict and four formats."""

import json
from xml.etree import ElementTree as ET

import pytest

from chatkit_scaffold.conformance.check import Check, Outcome
from chatkit_scaffold.conformance.families import REGISTRY
from chatkit_scaffold.conformance.formats import Format, render, text
from chatkit_scaffold.conformance.report import Report, Result

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
    assert [one.check for one in found] == [NEEDED, MUST, SHOULD]


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
    assert lines[0].startswith("::warning title=transport-not-cached::")
    assert lines[1].startswith(f"::error title=threads-deleted::{MUST.title}%0Asent: POST")
    assert "50%25" in lines[1]
    assert lines[-1].startswith("::notice title=chatkit-scaffold check::5 checks")


@pytest.mark.parametrize("form", Format)
def test_leftover_threads_are_shown(form: Format) -> None:
    """Every format names the threads that are left, without control characters of their ids."""
    left = report(result(MUST, Outcome.PASSED))
    left.leftover_threads = ["thr_1", "thr_2", "\x1b[2J"]
    left.leftover_reasons = dict.fromkeys(left.leftover_threads, "cannot be read back")
    output = render(left, form)
    assert "cannot be read back" in output
    assert "thr_1" in output
    assert "thr_2" in output
    assert "\x1b" not in output
