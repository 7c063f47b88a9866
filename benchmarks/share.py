"""What a turn costs inside the SDK: no project can take less."""

import json
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.lab import REPOSITORY, Lab
from benchmarks.table import Row


def measure(lab: Lab) -> Iterator[Row]:
    """Measure the SDK alone, without HTTP."""
    del lab
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.apps.share"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    yield Row("the SDK's process()", f"{found['process']:.2f} ms of CPU a turn")
    yield Row("the SDK after parsing the request", f"{found['stream']:.2f} ms of CPU a turn")
