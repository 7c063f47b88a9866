"""The report as GitHub workflow commands: annotations on a run."""

from chatkit_scaffold.conformance.causes import RootCause
from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.text import some


def render(report: Report, *, strict: bool = False) -> str:
    """Return an error for each cause of a failed MUST, a warning for each other, and a notice.

    GitHub shows ten errors and ten warnings of a step, so the most important come first.
    """
    lines = []
    for cause in report.root_causes():
        kind = "error" if strict or cause.level is Level.MUST else "warning"
        lines.append(_command(kind, cause.first.check.id, _message(cause)))
    lines += [_command("error", "chatkit-scaffold", error) for error in report.errors]
    lines += [_command("warning", "chatkit-scaffold", line) for line in report.leftovers()]
    if report.unfinished:
        lines.append(_command("error", "chatkit-scaffold", report.unfinished))
    return "\n".join([*lines, _command("notice", "chatkit-scaffold check", report.totals())]) + "\n"


def _message(cause: RootCause) -> str:
    details = cause.first.details()
    return f"{details}\nexplains: {some(cause.explains)}" if cause.explains else details


def _command(kind: str, title: str, message: str) -> str:
    escaped = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{kind} title={title}::{escaped}"
