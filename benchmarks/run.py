"""Runs benchmarks and prints a table; `make bench` runs all of them.

Example: python benchmarks/run.py turns --stores memory sqlite
"""

import argparse
import os
import sys
from pathlib import Path

# Also as a script, this is a module of its package.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import commands, pages, share, starts, streams, turns, workers
from benchmarks.lab import STORES, open_lab

PARTS = {
    "turns": turns.measure,
    "share": share.measure,
    "pages": pages.measure,
    "streams": streams.measure,
    "commands": commands.measure,
    "starts": starts.measure,
    "workers": workers.measure,
}


def main() -> None:
    """Print each row as soon as it is measured."""
    parser = argparse.ArgumentParser(prog="benchmarks/run.py", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} [all]")
    parser.add_argument("--stores", nargs="+", choices=STORES, default=STORES)
    parser.add_argument("--rounds", type=int, default=5, help="[5]")
    parser.add_argument("--markdown", action="store_true", help="print rows for a README")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"unknown part {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}")
    cores = len(os.sched_getaffinity(0))
    print(f"{cores} cores, shared by the server, the load generator and the database")
    with open_lab(given.stores, given.rounds) as lab:
        for part in given.parts or PARTS:
            print(f"\n{part}", flush=True)
            for row in PARTS[part](lab):
                print(row.as_markdown() if given.markdown else row.as_text(), flush=True)


if __name__ == "__main__":
    main()
