"""Writes a report for people, programs, JUnit readers and GitHub."""

import json
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any
from xml.etree import ElementTree as ET

from chatkit_scaffold.checks.model import Level, Outcome
from chatkit_scaffold.report import Report, Result

_COLOURS = {"good": "32", "bad": "31", "warn": "33", "quiet": "2", "strong": "1"}


def to_text(report: Report, *, color: bool = False, strict: bool = False) -> str:
    """Return the report for people: what matters most, then family by family, then a sum."""
    paint = _painter(color)
    lines = [paint("strong", f"ChatKit backend {report.url}"), ""]
    lines += _first(report, paint)
    for family, results in groupby(_by_family(report), key=lambda result: result.check.family):
        lines += [*_family(family, list(results), paint), ""]
    lines += [f"Our own mistake, please report it: {error}" for error in report.errors]
    if report.left:
        lines.append(f"Could not be removed: threads {', '.join(report.left)}")
    if report.unfinished:
        lines.append(f"The run was broken off: {report.unfinished}")
    return "\n".join([*lines, _sum(report, paint, strict=strict)]) + "\n"


def to_json(report: Report, *, strict: bool = False) -> str:
    """Return the report as one JSON object."""
    value = {
        **report.summary(),
        "exit_status": report.exit_status(strict=strict),
        "most_important": [result.check.id for result in report.most_important()],
        "errors": report.errors,
        "threads_left": report.left,
        "unfinished": report.unfinished,
        "checks": [_as_dict(result) for result in report.results],
    }
    return json.dumps(value, indent=2) + "\n"


def to_junit(report: Report, *, strict: bool = False) -> str:
    """Return the report as JUnit XML; what SHOULD be is only told, unless *strict*."""
    suites = ET.Element("testsuites", name="chatkit-scaffold check")
    for family, group in groupby(_by_family(report), key=lambda result: result.check.family):
        results = list(group)
        suite = ET.SubElement(suites, "testsuite", name=family, tests=str(len(results)))
        for result in results:
            _junit_case(suite, result, strict=strict)
        suite.set("failures", str(len(suite.findall("testcase/failure"))))
        suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
        suite.set("errors", str(len(suite.findall("testcase/error"))))
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def to_github(report: Report, *, strict: bool = False) -> str:
    """Return the report as GitHub workflow commands: errors, warnings and a notice."""
    lines = []
    for result in report.failures:
        required = strict or result.check.level is Level.MUST
        lines.append(_command("error" if required else "warning", result.check.id, _told(result)))
    lines += [_command("error", "chatkit-scaffold", error) for error in report.errors]
    if report.unfinished:
        lines.append(_command("error", "chatkit-scaffold", report.unfinished))
    total = _sum(report, _painter(False), strict=strict)
    return "\n".join([*lines, _command("notice", "chatkit-scaffold check", total)]) + "\n"


FORMATS: dict[str, Callable[..., str]] = {
    "text": to_text,
    "json": to_json,
    "junit": to_junit,
    "github": to_github,
}
"""By the name that `--format` takes; each takes a report and `strict`."""


def _painter(color: bool) -> Callable[[str, str], str]:
    return lambda style, text: f"\033[{_COLOURS[style]}m{text}\033[0m" if color else text


def _by_family(report: Report) -> list[Result]:
    families = list(dict.fromkeys(result.check.family for result in report.results))
    return sorted(report.results, key=lambda result: families.index(result.check.family))


def _first(report: Report, paint: Callable[[str, str], str]) -> Iterator[str]:
    found = report.most_important()
    if not found:
        return
    yield paint("strong", "Mend first")
    for number, result in enumerate(found, start=1):
        yield f"  {number}. {result.check.title} ({result.check.id}, {result.check.level})"
        yield f"     {result.check.fix}"
    yield ""


def _family(family: str, results: list[Result], paint: Callable[[str, str], str]) -> Iterator[str]:
    passed = sum(result.outcome is Outcome.PASSED for result in results)
    good = passed == len(results)
    yield paint("good" if good else "strong", f"{family}: {passed} of {len(results)} passed")
    for result in results:
        if result.outcome is Outcome.FAILED:
            yield from _failure(result, paint)
    for outcome in (Outcome.UNTESTABLE, Outcome.SKIPPED):
        reasons: dict[str, list[str]] = {}
        for result in results:
            if result.outcome is outcome:
                reasons.setdefault(result.reason, []).append(result.check.id)
        for reason, check_ids in reasons.items():
            yield paint("quiet", f"  {outcome} ({reason}): {', '.join(check_ids)}")


def _failure(result: Result, paint: Callable[[str, str], str]) -> Iterator[str]:
    required = result.check.level is Level.MUST
    mark = paint("bad" if required else "warn", "✗" if required else "!")
    yield f"  {mark} {result.check.id} ({result.check.level}): {result.check.title}"
    for name, value in _facts(result).items():
        yield f"      {name + ':':<9} {value}"


def _facts(result: Result) -> dict[str, str]:
    return {
        "sent": result.sent,
        "expected": result.expected,
        "got": result.got,
        "source": result.check.source,
        "fix": result.check.fix,
    }


def _sum(report: Report, paint: Callable[[str, str], str], *, strict: bool) -> str:
    counts = report.counts
    required = f" ({len(report.required_failures)} required)" if report.failures else ""
    parts = [
        f"{counts[Outcome.PASSED]} passed",
        f"{counts[Outcome.FAILED]} failed{required}",
        f"{counts[Outcome.UNTESTABLE]} untestable",
        f"{counts[Outcome.SKIPPED]} skipped",
    ]
    style = {0: "good", 1: "bad", 2: "warn"}[report.exit_status(strict=strict)]
    text = f"{len(report.results)} checks: {', '.join(parts)}"
    return paint(style, f"{text}; {report.requests} requests in {report.seconds:.1f} s")


def _as_dict(result: Result) -> dict[str, Any]:
    value: dict[str, Any] = {
        "id": result.check.id,
        "title": result.check.title,
        "level": str(result.check.level),
        "outcome": str(result.outcome),
        "seconds": round(result.seconds, 3),
    }
    if result.reason:
        value["reason"] = result.reason
    if result.outcome is Outcome.FAILED:
        value |= _facts(result)
    return value


def _junit_case(suite: ET.Element, result: Result, *, strict: bool) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        name=result.check.id,
        classname=f"chatkit.{result.check.family}",
        time=f"{result.seconds:.3f}",
    )
    if result.outcome is Outcome.FAILED:
        required = strict or result.check.level is Level.MUST
        element = ET.SubElement(case, "failure" if required else "system-out")
        element.text = _told(result)
        if required:
            element.set("message", result.check.title)
    elif result.outcome is Outcome.SKIPPED:
        ET.SubElement(case, "skipped", message=result.reason)
    elif result.outcome is Outcome.UNTESTABLE:
        # Not green, and not the server's fault either: JUnit calls that an error.
        ET.SubElement(case, "error", message=f"untestable: {result.reason}")


def _told(result: Result) -> str:
    lines = [result.check.title]
    return "\n".join(lines + [f"{name}: {value}" for name, value in _facts(result).items()])


def _command(kind: str, title: str, message: str) -> str:
    escaped = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{kind} title={title}::{escaped}"
