"""Compares generated projects with the SDK, and long threads with short ones, in one run.

Run it with `make bench`. The results are ratios of medians, measured in turn on the same machine;
milliseconds are for orientation only.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from chatkit_scaffold import launcher
from chatkit_scaffold.generator import source
from chatkit_scaffold.generator.project import create

STORES = ("memory", "sqlite")
"""Stores that need no server."""


def main() -> None:
    """Print a line for each comparison."""
    with tempfile.TemporaryDirectory(prefix="chatkit-bench-") as folder:
        for store in STORES:
            project = Path(folder) / store
            answers = {"store": store, "agent": "echo", "auth": "none"}
            create(project, source.choose(None, None), answers, ask=False, use_git=False)
            launcher.install(project)
            show(store, measure(project))


def measure(project: Path) -> dict[str, dict[str, float]]:
    """Run the measurements with the project's own interpreter."""
    inside = Path(__file__).with_name("inside.py")
    done = subprocess.run(
        [str(launcher.project_python(project)), str(inside)],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, dict[str, float]] = json.loads(done.stdout)
    return found


def show(store: str, found: dict[str, dict[str, float]]) -> None:
    """Print the ratios."""
    turn, page = found["turn"], found["page"]
    print(
        f"{store}: a turn takes {turn['ours'] / turn['sdk']:.2f} of what it takes through the"
        f" SDK's `process` ({turn['ours']:.2f} against {turn['sdk']:.2f} ms)"
    )
    print(
        f"{store}: a page of a thread with 10,000 items takes {page['large'] / page['small']:.2f}"
        f" of what it takes with 100 ({page['large']:.2f} against {page['small']:.2f} ms)"
    )


if __name__ == "__main__":
    main()
