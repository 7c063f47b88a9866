"""Run what the backend needs until the standard input ends: `python -m tests.services`.

Prints the environment variables of each part as JSON, in one line.
"""

import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests import services


def main() -> None:
    """Run all services."""
    with ExitStack() as stack:
        environment: dict[str, dict[str, str]] = {}
        for part in (services.store, services.agent, services.auth):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            service = stack.enter_context(part.running(Path(folder)))
            environment[part.__name__.rpartition(".")[2]] = service()
        print(json.dumps(environment), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
