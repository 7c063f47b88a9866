"""The report as JSON, for programs."""

import json
from typing import Any

from chatkit_scaffold.conformance.check import Outcome
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.conformance.result import Result


def render(report: Report, *, strict: bool = False) -> str:
    """Return the report as one JSON object."""
    explains = {cause.first.check.id: cause.explains for cause in report.root_causes()}
    value = {
        **report.summary(),
        "exit_status": report.exit_status(strict=strict),
        "most_important": [cause.first.check.id for cause in report.most_important()],
        "errors": report.errors,
        "threads_left": report.leftover_threads,
        "threads_left_because": report.leftover_reasons,
        "unfinished": report.unfinished,
        "checks": [_as_dict(result, explains) for result in report.results],
    }
    return json.dumps(value, indent=2) + "\n"


def _as_dict(result: Result, explains: dict[str, list[str]]) -> dict[str, Any]:
    value: dict[str, Any] = {
        "id": result.check.id,
        "title": result.check.title,
        "level": str(result.level),
        "outcome": str(result.outcome),
        "seconds": round(result.seconds, 3),
    }
    if result.reason:
        value["reason"] = result.reason
    if result.outcome is Outcome.FAILED:
        value |= {**result.facts(), "cause": result.cause}
        value["explains"] = explains.get(result.check.id, [])
    return value
