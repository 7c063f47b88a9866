"""The report for people: what to fix first, then each family, and the verdict last."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chatkit_scaffold.conformance.check import Level, Outcome
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.conformance.result import Result
from chatkit_scaffold.text import some

if TYPE_CHECKING:
    from rich.text import Text

Line = tuple[str, str]
"""A line and its Rich style; an empty style is the terminal's own."""

_MARKS = {Level.MUST: "✗", Level.SHOULD: "!"}
_COLORS = {Level.MUST: "red", Level.SHOULD: "yellow"}
_VERDICT_STYLES = ("bold green", "bold red", "bold yellow")
"""By exit status."""


def render(report: Report, *, strict: bool = False) -> str:
    """Return the report as plain text."""
    return "".join(f"{text}\n" for text, _ in _lines(report, strict=strict))


def styled(report: Report, *, strict: bool = False) -> "Text":
    """Return the report for a Rich console."""
    # Rich takes 80 ms to import, which a report for a file does not need.
    from rich.text import Text

    return Text("\n").join(Text(text, style) for text, style in _lines(report, strict=strict))


def _lines(report: Report, *, strict: bool) -> Iterator[Line]:
    yield f"ChatKit backend {report.url}", "bold"
    yield "", ""
    yield from _most_important(report)
    shown_before = _shown_before(report)
    for family, results in report.by_family().items():
        yield from _family(family, results, shown_before)
    yield from _untestable(report)
    yield "", ""
    for error in report.errors:
        yield f"Bug in chatkit-scaffold, please report it: {error}", "yellow"
    for line in report.leftovers():
        yield line, "yellow"
    yield report.totals(), ""
    yield verdict(report, strict=strict), _VERDICT_STYLES[report.exit_status(strict=strict)]


def verdict(report: Report, *, strict: bool = False) -> str:
    """Return the verdict in one sentence."""
    failed = len(report.failures if strict else report.required_failures)
    match report.exit_status(strict=strict):
        case 0 if report.failures:
            return "Passed: all required checks passed; see the warnings above."
        case 0 if report.counts[Outcome.SKIPPED] > report.counts[Outcome.PASSED]:
            return f"Passed, but {report.counts[Outcome.SKIPPED]} checks were skipped."
        case 0:
            return "Passed: all required checks passed."
        case 1:
            return f"Failed: {failed} required {'check' if failed == 1 else 'checks'} failed."
        case _:
            return f"No verdict: {report.unfinished or 'not every check could be tested'}."


def _most_important(report: Report) -> Iterator[Line]:
    found = report.most_important()
    if not found:
        return
    yield "Fix these first", "bold"
    for number, cause in enumerate(found, start=1):
        yield f"  {number}. {cause.title} ({cause.first.check.id}, {cause.level})", ""
        yield f"     {cause.first.fix}", ""
        if cause.explains:
            count = len(cause.explains)
            noun = "check" if count == 1 else "checks"
            yield f"     Explains {count} more {noun}: {some(cause.explains)}", "dim"
    yield "", ""


def _shown_before(report: Report) -> dict[str, str]:
    """Return where to look, by the ids of failed checks whose cause another check shows."""
    places: dict[str, str] = {}
    for number, cause in enumerate(report.root_causes(), start=1):
        listed_first = number <= len(report.most_important())
        place = f"see {number} above" if listed_first else f"see {cause.first.check.id}"
        places |= {result.check.id: place for result in cause.failures[1:]}
    return places


def _family(family: str, results: list[Result], shown_before: dict[str, str]) -> Iterator[Line]:
    count = {outcome: sum(one.outcome is outcome for one in results) for outcome in Outcome}
    tested = count[Outcome.PASSED] + count[Outcome.FAILED]
    parts = [f"{count[Outcome.PASSED]} of {tested} passed"] if tested else []
    parts += [f"{count[Outcome.UNTESTABLE]} not tested"] if count[Outcome.UNTESTABLE] else []
    parts += [f"{count[Outcome.SKIPPED]} skipped"] if count[Outcome.SKIPPED] else []
    all_passed = count[Outcome.PASSED] + count[Outcome.SKIPPED] == len(results)
    style = "dim" if not tested else "green" if all_passed else "bold"
    yield f"{family}: {', '.join(parts)}", style
    for result in results:
        if result.outcome is Outcome.FAILED:
            yield from _failure(result, shown_before.get(result.check.id, ""))
    reasons: dict[str, list[str]] = {}
    for result in results:
        if result.outcome is Outcome.SKIPPED:
            reasons.setdefault(result.reason, []).append(result.check.id)
    for reason, check_ids in reasons.items():
        yield f"  skipped ({reason}): {', '.join(check_ids)}", "dim"


def _failure(result: Result, shown_before: str) -> Iterator[Line]:
    level = result.level
    mark = f"  {_MARKS[level]} {result.check.id} ({level})"
    if shown_before:
        yield f"{mark}: {result.cause}, {shown_before}", _COLORS[level]
        return
    yield f"{mark}: {result.check.title}", _COLORS[level]
    for name, value in result.facts().items():
        yield f"      {name + ':':<9} {value}", ""


def _untestable(report: Report) -> Iterator[Line]:
    grouped = report.untestable_by_cause()
    if grouped:
        yield "", ""
        yield "Not tested", "bold"
    for cause, results in grouped.items():
        ids = [result.check.id for result in results]
        yield f"  {len(results)} ({cause}): {some(ids)}", "yellow"
