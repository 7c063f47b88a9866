"""The report as GitHub-flavored Markdown, for the summary of a workflow's run.

What the server sent is only shown as code: GitHub makes neither links nor mentions of code.
"""

import re
from collections.abc import Iterable, Iterator

from chatkit_scaffold.conformance.causes import RootCause
from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.formats.text import verdict
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.conformance.result import Result
from chatkit_scaffold.text import escaped, some

_MARKS = {0: "✅", 1: "❌", 2: "⚠️"}
"""By exit status."""
_SPECIAL = re.compile(r"[\\`*_\[\]<>~&$]")
_ACTIVE = re.compile(r"(\S*(?:@|://|www\.|#\d)\S*)")
"""What GitHub turns into a mention or a link, even after a backslash."""


def render(report: Report, *, strict: bool = False) -> str:
    """Return the verdict, what to fix first, a table of the failures, and their details."""
    return "\n".join(_lines(report, strict=strict)) + "\n"


def _lines(report: Report, *, strict: bool) -> Iterator[str]:
    yield f"## {_MARKS[report.exit_status(strict=strict)]} ChatKit backend check"
    yield ""
    yield f"{_code(report.url)}: {_plain(verdict(report, strict=strict))}"
    yield ""
    yield from _most_important(report.most_important())
    yield from _table(report.failures)
    for result in report.failures:
        yield from _details(result)
    yield from _untestable(report)
    for error in (*report.errors, *([report.unfinished] if report.unfinished else [])):
        yield f"⚠️ {_code(error)}"
        yield ""
    if report.leftover_threads:
        yield f"Threads that could not be deleted: {_codes(report.leftover_threads)}"
        yield ""
    yield _plain(report.totals())


def _most_important(causes: list[RootCause]) -> Iterator[str]:
    if not causes:
        return
    yield "### Fix these first"
    yield ""
    for number, cause in enumerate(causes, start=1):
        yield f"{number}. **{_plain(cause.title)}** ({_code(cause.first.check.id)}, {cause.level})"
        yield ""
        yield f"   {_plain(cause.first.fix)}"
        yield ""
        if cause.explains:
            yield f"   Explains {len(cause.explains)} more: {_plain(some(cause.explains))}"
            yield ""


def _table(failures: list[Result]) -> Iterator[str]:
    if not failures:
        return
    yield "### Failed checks"
    yield ""
    yield "| | check | level | what a correct server does |"
    yield "|---|---|---|---|"
    for result in failures:
        mark = "❌" if result.level is Level.MUST else "⚠️"
        title = _title(result).replace("|", "\\|")
        yield f"| {mark} | {_code(result.check.id)} | {result.level} | {title} |"
    yield ""


def _title(result: Result) -> str:
    title = _plain(result.check.title)
    return f"{title} ({_plain(result.cause)})" if result.cause else title


def _details(result: Result) -> Iterator[str]:
    yield f"<details><summary>{result.check.id}</summary>"
    yield ""
    for name, value in result.facts().items():
        yield f"- {name}: {_code(value)}"
    yield ""
    yield "</details>"
    yield ""


def _untestable(report: Report) -> Iterator[str]:
    grouped = report.untestable_by_cause()
    if not grouped:
        return
    yield "### Not tested"
    yield ""
    for cause, results in grouped.items():
        ids = some([result.check.id for result in results])
        yield f"- {len(results)} ({_code(cause)}): {_plain(ids)}"
    yield ""


def _codes(values: Iterable[str]) -> str:
    return ", ".join(map(_code, values))


def _code(text: str) -> str:
    """Return any text as a code span: it ends at a run of as many backticks as it began with."""
    shown = escaped(text) or " "
    fence = "`"
    while fence in shown:
        fence += "`"
    return f"`{shown}`" if fence == "`" else f"{fence} {shown} {fence}"


def _plain(text: str) -> str:
    """Return a sentence of ours; what stands in backticks is code."""
    parts = escaped(text).split("`")
    if len(parts) % 2 == 0:
        return _code(text)
    return "".join(_code(part) if index % 2 else _prose(part) for index, part in enumerate(parts))


def _prose(text: str) -> str:
    parts = _ACTIVE.split(text)
    return "".join(
        _code(part) if index % 2 else _SPECIAL.sub(r"\\\g<0>", part)
        for index, part in enumerate(parts)
    )
