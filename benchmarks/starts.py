"""How long a start and the first turn take."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median

from benchmarks.lab import Lab, load
from benchmarks.table import Row
from chatkit_scaffold.launcher import HOST, endpoint, free_port

_HEALTH_WANTED = 1.3
_POLL = 0.005
"""Seconds between two attempts, much less than a start takes."""
_IMPORT = "import chatkit.server"


def measure(lab: Lab) -> Iterator[Row]:
    """Compare each store's start with an import, and its first turn with the next one."""
    for store in lab.stores:
        lab.project(store)
        starts = [(_start(lab, store), _import()) for _ in range(lab.rounds)]
        yield Row(
            f"{store}: start until health ÷ import of the SDK",
            f"{median(ours for ours, _ in starts):.0f} ÷ {median(sdk for _, sdk in starts):.0f} ms",
            median(ours / sdk for ours, sdk in starts),
            at_most=_HEALTH_WANTED,
        )
    for store in lab.stores:
        turns = [_first_turns(lab, store) for _ in range(lab.rounds)]
        first, second = (median(column) for column in zip(*turns, strict=True))
        yield Row(
            f"{store}: first delta of the first turn ÷ second",
            f"{first:.1f} ÷ {second:.1f} ms",
            median(one / other for one, other in turns),
        )


def _import() -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", _IMPORT], check=True)
    return (time.perf_counter() - begin) * 1000


def _start(lab: Lab, store: str) -> float:
    """Return the milliseconds from the start of a process until `health` is 200."""
    port = free_port()
    project = lab.project(store)
    variables = {**lab.environment(store), "HOST": HOST, "PORT": str(port)}
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "app"],
        cwd=project,
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _healthy(port, f"{endpoint(project)}/health"):
            if process.poll() is not None:
                sys.exit(f"error: the project with {store} does not start")
            time.sleep(_POLL)
        return (time.perf_counter() - begin) * 1000
    finally:
        process.terminate()
        process.wait()


def _healthy(port: int, path: str) -> bool:
    """Return whether the server answers; cheaper than an HTTP client, and so more precise."""
    try:
        with socket.create_connection((HOST, port), timeout=5) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\n\r\n".encode())
            return connection.recv(12) == b"HTTP/1.1 200"
    except OSError:
        return False


def _first_turns(lab: Lab, store: str) -> tuple[float, float]:
    """Return the milliseconds until the first delta of the first two turns of a server."""
    with lab.generated(store) as server:
        first, second = load("first_deltas", url=server.url, turns=2)
        return first, second
