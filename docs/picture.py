"""Draws docs/terminal.svg from a real run: `make picture`.

A backend is created, and the check runs on a server that forgets stopped answers.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.conformance.servers.agent_faults import FAULTS
from tests.conformance.servers.correct import build, headers_for
from tests.conformance.servers.serving import serve

PICTURE = Path(__file__).with_name("terminal.svg")
FAULT = "items-stop-keeps-partial"
COLUMNS = 108

# Rich's own format loads a font from another site, which a README should not.
_FORMAT = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" class="rich-terminal">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px;
}}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(draw(), encoding="utf-8")


def draw() -> str:
    """Return the picture as SVG."""
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    for text in run():
        console.print(text)
    return console.export_svg(title="chatkit-scaffold", code_format=_FORMAT, unique_id="terminal")


def run() -> list[Text]:
    """Run both commands; return what was typed and what was printed."""
    with tempfile.TemporaryDirectory() as folder, serve(build(FAULTS[FAULT])) as url:
        token = f"Authorization: {headers_for('first')['Authorization']}"
        created = _output(folder, "new", "support-bot", "--defaults")
        checked = _output(folder, "check", url, "--header", token, "--ignore", "access,memory")
    shown = "http://127.0.0.1:8000/chatkit"
    return [
        Text("$ chatkit-scaffold new support-bot --defaults", "bold"),
        Text.from_ansi(created),
        Text(f"\n$ chatkit-scaffold check {shown} --header 'Authorization: Bearer …'", "bold"),
        Text.from_ansi(checked.replace(url, shown)),
    ]


def _output(folder: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "chatkit_scaffold", *arguments],
        cwd=folder,
        env={**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.stdout.rstrip("\n")


if __name__ == "__main__":
    main()
