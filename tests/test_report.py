"""One report, four ways to write it down."""

import json
from xml.etree import ElementTree as ET

import pytest

from chatkit_scaffold.checks import REGISTRY
from chatkit_scaffold.checks.model import Check, Level, Outcome
from chatkit_scaffold.report import Report, Result
from chatkit_scaffold.report_formats import to_github, to_json, to_junit, to_text

MUST = REGISTRY["threads-deleted"]
SHOULD = REGISTRY["transport-not-cached"]
NEEDED = REGISTRY["requests-listed"]


def result(check: Check, outcome: Outcome, reason: str = "") -> Result:
    """Return a result as a run would make it."""
    failure = outcome is Outcome.FAILED
    return Result(
        check,
        outcome,
        reason=reason,
        sent='POST {"type": "x"}' if failure else "",
        expected="200" if failure else "",
        got="500, <html> & 50% \\x1b[2J" if failure else "",
        seconds=0.25,
    )


def report(*results: Result) -> Report:
    """Return a report on a server."""
    return Report("http://127.0.0.1:8000/chatkit", list(results), seconds=1.5, requests=7)


@pytest.fixture
def mixed() -> Report:
    """One check of every outcome."""
    return report(
        result(SHOULD, Outcome.FAILED),
        result(MUST, Outcome.FAILED),
        result(NEEDED, Outcome.PASSED),
        result(REGISTRY["threads-renamed"], Outcome.UNTESTABLE, "needs threads-listed"),
        result(REGISTRY["access-read-separate"], Outcome.SKIPPED, "a second user is needed"),
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
    """A required failure is 1, and what was not tested is never 0."""
    assert report(*results).exit_status() == status
    assert report(*results).exit_status(strict=True) == strict


def test_our_own_mistake_is_no_verdict() -> None:
    """An error of ours ends with 2, unless something required failed for certain."""
    good = report(result(MUST, Outcome.PASSED))
    good.errors = ["threads-deleted: KeyError: 'x'"]
    assert good.exit_status() == 2
    bad = report(result(MUST, Outcome.FAILED))
    bad.errors = good.errors
    assert bad.exit_status() == 1


def test_most_important_first() -> None:
    """A MUST comes before a SHOULD, and what blocks others before what does not."""
    found = report(
        result(SHOULD, Outcome.FAILED),
        result(MUST, Outcome.FAILED),
        result(NEEDED, Outcome.FAILED),
        result(REGISTRY["threads-listed"], Outcome.UNTESTABLE, "needs requests-listed"),
        result(REGISTRY["threads-paged"], Outcome.UNTESTABLE, "needs threads-listed"),
    ).most_important()
    assert [one.check for one in found] == [NEEDED, MUST, SHOULD]


def test_text(mixed: Report) -> None:
    """A failure shows what was sent, expected and got, the source and the fix."""
    text = to_text(mixed)
    assert text.index("Mend first") < text.index("transport: 0 of 1 passed")
    assert f"  ✗ threads-deleted (MUST): {MUST.title}" in text
    assert '      sent:     POST {"type": "x"}\n      expected: 200\n      got:      500' in text
    assert f"      fix:      {MUST.fix}\n" in text
    assert "  untestable (needs threads-listed): threads-renamed" in text
    assert "  skipped (a second user is needed): access-read-separate" in text
    total = (
        "5 checks: 1 passed, 2 failed (1 required), 1 untestable, 1 skipped; 7 requests in 1.5 s"
    )
    assert text.endswith(total + "\n")
    assert "\x1b" not in text


def test_colour_only_when_asked(mixed: Report) -> None:
    """Colours are terminal codes, and only there when asked for."""
    assert "\x1b[31m✗\x1b[0m threads-deleted" in to_text(mixed, color=True)


def test_json(mixed: Report) -> None:
    """Every check is there, with what a program needs."""
    value = json.loads(to_json(mixed))
    assert value["exit_status"] == 1
    assert value["counts"] == {"passed": 1, "failed": 2, "untestable": 1, "skipped": 1}
    assert value["required_failures"] == ["threads-deleted"]
    failure = next(one for one in value["checks"] if one["id"] == "threads-deleted")
    assert failure["outcome"] == "failed"
    assert failure["fix"] == MUST.fix


def test_junit(mixed: Report) -> None:
    """JUnit's readers see a failure for a MUST, an error for what could not be tested."""
    suites = ET.fromstring(to_junit(mixed))  # noqa: S314 - our own
    threads = suites.find("testsuite[@name='threads']")
    assert threads is not None
    assert (threads.get("failures"), threads.get("errors")) == ("1", "1")
    assert suites.find("testsuite[@name='transport']/testcase/failure") is None
    strict = ET.fromstring(to_junit(mixed, strict=True))  # noqa: S314 - our own
    assert strict.find("testsuite[@name='transport']/testcase/failure") is not None


def test_github(mixed: Report) -> None:
    """GitHub gets an error for a MUST, a warning for a SHOULD, and the sum as a notice."""
    lines = to_github(mixed).splitlines()
    assert lines[0].startswith("::warning title=transport-not-cached::")
    assert lines[1].startswith(f"::error title=threads-deleted::{MUST.title}%0Asent: POST")
    assert "50%25" in lines[1]
    assert lines[-1].startswith("::notice title=chatkit-scaffold check::5 checks")


def test_levels_have_words_in_capitals() -> None:
    """Levels are printed as RFC 2119 writes them."""
    assert [str(level) for level in Level] == ["MUST", "SHOULD"]
