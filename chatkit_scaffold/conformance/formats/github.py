"""The report as GitHub workflow commands: annotations on a run."""

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.report import Report


def render(report: Report, *, strict: bool = False) -> str:
    """Return an error for each failed MUST, a warning for each SHOULD, and a closing notice."""
    lines = []
    for result in report.failures:
        required = strict or result.level is Level.MUST
        kind = "error" if required else "warning"
        lines.append(_command(kind, result.check.id, result.details()))
    lines += [_command("error", "chatkit-scaffold", error) for error in report.errors]
    if report.unfinished:
        lines.append(_command("error", "chatkit-scaffold", report.unfinished))
    return "\n".join([*lines, _command("notice", "chatkit-scaffold check", report.totals())]) + "\n"


def _command(kind: str, title: str, message: str) -> str:
    escaped = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{kind} title={title}::{escaped}"
