"""The report formats, one module for each value of `check --format`."""

from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatkit_scaffold.conformance.report import Report


class Format(StrEnum):
    """The values of `check --format`."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    GITHUB = "github"
    MARKDOWN = "markdown"


def render(report: "Report", form: Format, *, strict: bool = False) -> str:
    """Return the report in a format; *strict* treats every SHOULD as a MUST."""
    # The command line needs the names at startup, but a module only after a run.
    text: str = import_module(f"{__name__}.{form.value}").render(report, strict=strict)
    return text
