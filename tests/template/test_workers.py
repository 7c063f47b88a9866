"""Several workers share a port: they start, are replaced and end as one."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from chatkit_scaffold import launcher
from tests.conftest import Environment
from tests.matrix import Project, the
from tests.template.how_to import MakeProject

pytestmark = pytest.mark.xdist_group("workers")

WORKERS = 2
PATIENCE = 180.0
"""Seconds until something has happened that takes a few, and more on a busy machine."""


UNREACHABLE = {
    the(store="postgres"): {"DATABASE_URL": "postgresql://127.0.0.1:1/x"},
    the(store="redis"): {"REDIS_URL": "redis://127.0.0.1:1"},
}
"""By project whose store several processes can share: a store that cannot be opened."""


@pytest.fixture(scope="module", params=UNREACHABLE)
def shared(request: pytest.FixtureRequest, generate: MakeProject) -> Project:
    """A project whose store several processes can share."""
    project = generate(request.param)
    launcher.install(project.path)
    return project


@pytest.fixture
def environment(shared: Project, environment_of: Environment) -> dict[str, str]:
    """Environment of its workers."""
    return {**environment_of(shared), "LOG_FORMAT": "json", "WORKERS": str(WORKERS)}


def workers_of(server: launcher.Server) -> set[int]:
    """Return the process ids of the workers."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return {
        int(child)
        for child in children.read_text().split()
        # multiprocessing has a process of its own beside them.
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    }


def until(condition: Callable[[], bool]) -> None:
    """Wait until *condition* is true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Return whether a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def entries(server: launcher.Server, event: str) -> list[dict[str, object]]:
    """Return the log's entries about an event; all lines are JSON."""
    found = [json.loads(line) for line in server.output().splitlines()]
    return [entry for entry in found if entry["event"] == event]


def test_workers_are_one_server(shared: Project, environment: dict[str, str]) -> None:
    """One line says where it listens; a worker that crashes is replaced; SIGTERM ends all."""
    with launcher.serve(shared.path, environment, timeout=PATIENCE) as server:
        until(lambda: len(entries(server, "listening")) == 1)
        first = workers_of(server)
        assert len(first) == WORKERS
        crashed = min(first)
        os.kill(crashed, signal.SIGKILL)
        until(lambda: len(workers_of(server) - {crashed}) == WORKERS)
        assert httpx.get(f"{server.url}/ready", trust_env=False).status_code == 200
        last = workers_of(server)
        server.stop(grace=PATIENCE)
        assert not any(map(alive, last))
        assert len(entries(server, "listening")) == 1


def test_workers_end_with_their_parent(shared: Project, environment: dict[str, str]) -> None:
    """A parent that is killed leaves no worker that keeps the port."""
    with launcher.serve(shared.path, environment, timeout=PATIENCE) as server:
        until(lambda: len(entries(server, "listening")) == 1)
        workers = workers_of(server)
        server.kill()
        until(lambda: not any(map(alive, workers)))


def test_failed_start_is_one_sentence(shared: Project, environment: dict[str, str]) -> None:
    """Workers whose store cannot be opened are not started again and again."""
    ended = subprocess.run(
        [str(launcher.project_python(shared.path)), "-m", "app"],
        cwd=shared.path,
        env={
            **os.environ,
            **environment,
            "PORT": "0",
            **UNREACHABLE[shared.name],
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ")
    assert ended.stderr.count("\n") == 1
