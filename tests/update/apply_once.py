"""Applies a prepared result, as a program that can be killed: `python -m tests.update.apply_once`.

Takes the project's folder, and a JSON file with the result.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from chatkit_scaffold.update.apply import apply
from chatkit_scaffold.update.outcome import Conflict, Merged, Stage
from chatkit_scaffold.update.project import open_project

BRANCH = "chatkit-scaffold/update-0.3.0"
MESSAGE = "Update the template from 0.2.0 to 0.3.0\n\nstore: sqlite -> postgres\n"


def write_result(merged: Merged, file: Path) -> Path:
    """Write what `apply` needs of a result."""
    file.write_text(json.dumps(asdict(merged)), encoding="utf-8")
    return file


def main() -> None:
    """Apply the result."""
    folder, file = sys.argv[1:]
    result = json.loads(Path(file).read_text(encoding="utf-8"))
    merged = Merged(
        result["tree"],
        stages=tuple(Stage(**stage) for stage in result["stages"]),
        conflicts=tuple(Conflict(**conflict) for conflict in result["conflicts"]),
    )
    apply(open_project(folder), merged, branch=BRANCH, message=MESSAGE)


if __name__ == "__main__":
    main()
