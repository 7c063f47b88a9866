"""What the `check` command does, apart from reading its arguments."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chatkit_scaffold.checks import REGISTRY
from chatkit_scaffold.checks.model import Check
from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.report import Report
from chatkit_scaffold.report_formats import FORMATS, to_text
from chatkit_scaffold.run import Progress, run_checks
from chatkit_scaffold.sse import shorten


@dataclass(frozen=True, slots=True)
class CheckSession:
    """One call of the command; the fields are its options."""

    url: str
    headers: dict[str, str]
    other_headers: dict[str, str]
    origin: str | None
    select: list[str]
    ignore: list[str]
    strict: bool
    timeout: float
    output_format: str
    output: Path | None

    def run(self) -> int:
        """Check the server, write the report, return the exit status.

        Raises:
            ScaffoldError: There is no verdict.
        """
        self._require_usable()
        with _progress() as progress:
            report = run_checks(
                self.url,
                headers=self.headers,
                other_headers=self.other_headers or None,
                origin=self.origin,
                timeout=self.timeout,
                select=self.select,
                ignore=self.ignore,
                progress=progress,
            )
        self._write(report)
        return report.exit_status(strict=self.strict)

    def _require_usable(self) -> None:
        if not self.url:
            raise ScaffoldError(
                "no URL was given",
                hint="name the endpoint, such as http://127.0.0.1:8000/chatkit",
            )
        if self.output_format not in FORMATS:
            raise ScaffoldError(
                f"there is no format {self.output_format!r}", hint=f"choose {', '.join(FORMATS)}"
            )
        if self.origin is not None and not _is_origin(self.origin):
            raise ScaffoldError(
                f"{self.origin!r} is not an origin",
                hint="give scheme, host and port only, such as https://app.example.com",
            )

    def _write(self, report: Report) -> None:
        if self.output_format == "text" and self.output is None:
            color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
            text = to_text(report, color=color, strict=self.strict)
        else:
            text = FORMATS[self.output_format](report, strict=self.strict)
        if self.output is None:
            # A terminal that cannot show a character must not end the run.
            encoding = sys.stdout.encoding or "utf-8"
            sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
            return
        try:
            self.output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ScaffoldError(
                f"the report cannot be written to {self.output}: {error.strerror}",
                hint="name a file in a folder that exists and is yours",
            ) from None


def parse_headers(lines: Sequence[str]) -> dict[str, str]:
    """Read `Name: value` lines.

    Raises:
        ScaffoldError: A line has no colon or name, or a name comes twice.
    """
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.strip()
        if not (colon and name and value.strip() and name.isascii() and " " not in name):
            raise ScaffoldError(
                f"{shorten(name, 40)!r} is not a header with a value",
                hint="write it as 'Name: value', such as --header 'Authorization: Bearer …'",
            )
        if name.lower() in {known.lower() for known in headers}:
            raise ScaffoldError(f"the header {name} is given twice", hint="give it once per user")
        headers[name] = value.strip()
    return headers


def split(words: Sequence[str]) -> list[str]:
    """Split `a,b` and drop what is empty."""
    return [part.strip() for word in words for part in word.split(",") if part.strip()]


def listing() -> str:
    """Return one line for each check."""
    width = max(len(check_id) for check_id in REGISTRY)
    lines = [f"{one.id:<{width}}  {one.level:<6}  {one.title}" for one in REGISTRY.values()]
    return "\n".join(lines) + "\n"


def _is_origin(value: str) -> bool:
    scheme, separator, host = value.partition("://")
    return scheme in ("http", "https") and bool(separator and host) and "/" not in host


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """Show on stderr which check is running; nothing where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status("Connecting") as status:

        def show(check: Check, number: int, count: int) -> None:
            status.update(f"{number}/{count} {check.id}")

        yield show
