"""The servers that are measured: generated projects, and what they are compared with."""

import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from chatkit_scaffold import launcher
from chatkit_scaffold.generator import source
from chatkit_scaffold.generator.project import create

REPOSITORY = Path(__file__).resolve().parent.parent
STORES = ("memory", "sqlite", "postgres", "redis")
INSIDE = Path(__file__).with_name("inside")

_START = 120.0
"""Seconds in which a server must start; one fills its memory first."""
_SETTINGS = {"RATE_LIMIT": "1000000/second"}
"""High instead of off, because counting is a part of what a turn costs."""


class Lab:
    """Makes projects once, and runs servers.

    Args:
        folder: On a disk, because what a commit costs depends on that.
        stack: Stops the services that projects need.
        stores: The stores to measure.
        rounds: How often each server is measured; the result is the median.
    """

    def __init__(self, folder: Path, stack: ExitStack, stores: Sequence[str], rounds: int) -> None:
        self.folder = folder
        self.stores = stores
        self.rounds = rounds
        self._stack = stack
        self.project = cache(self._project)
        self._service = cache(self._start_service)

    def environment(self, store: str) -> dict[str, str]:
        """Return the variables for a server with an empty *store*."""
        return {**_SETTINGS, **self._service(store)(), **python_path()}

    @contextmanager
    def generated(self, store: str, **variables: str) -> Iterator[launcher.Server]:
        """Run the project with an empty *store*."""
        with self._serve(store, {**self.environment(store), **variables}) as server:
            yield server

    @contextmanager
    def filled(
        self, store: str, *, threads: int, lengths: Sequence[int]
    ) -> Iterator[launcher.Server]:
        """Run the project with *store* and a user who has used it for long.

        Args:
            store: The store.
            threads: The number of threads without items.
            lengths: The numbers of items of further threads, `long_<number>`.
        """
        seed = {"BENCH_SEED": json.dumps({"threads": threads, "lengths": lengths})}
        environment = {**self.environment(store), **seed}
        if (self.project(store) / "app" / "database").exists():
            for module in (["app", "migrate"], ["benchmarks.inside.seed"]):
                subprocess.run(
                    [sys.executable, "-m", *module],
                    cwd=self.project(store),
                    env={**os.environ, **environment},
                    stdout=subprocess.DEVNULL,
                    check=True,
                )
        with self._serve(store, environment) as server:
            yield server

    @contextmanager
    def quickstart(self, **variables: str) -> Iterator[launcher.Server]:
        """Run the SDK's quickstart."""
        with self._reference("quickstart", variables) as server:
            yield server

    @contextmanager
    def bare(self) -> Iterator[launcher.Server]:
        """Run Starlette with the events of the quickstart."""
        with self._reference("bare", {"BENCH_RECORDED": str(self._recorded)}) as server:
            yield server

    @cached_property
    def _recorded(self) -> Path:
        with self.quickstart() as server:
            recorded = load("record", url=server.url)
        path = self.folder / "recorded.json"
        path.write_text(json.dumps(recorded), encoding="utf-8")
        return path

    def _serve(
        self, store: str, environment: Mapping[str, str]
    ) -> AbstractContextManager[launcher.Server]:
        project, python = self.project(store), Path(sys.executable)
        return launcher.serve(project, environment, python=python, timeout=_START)

    def _project(self, store: str) -> Path:
        """Create a project whose agent is the benchmark's."""
        path = self.folder / "projects" / store
        answers = {"store": store, "agent": "echo", "auth": "none"}
        create(path, source.choose(None, None), answers, ask=False, use_git=False)
        app = path / "app"
        shutil.copy(INSIDE / "agent.py", app)
        if not (app / "database").exists():
            # Nothing outside the server's process can fill its memory.
            (app / "store.py").rename(app / "plain_store.py")
            shutil.copy(INSIDE / "store.py", app)
        return path

    def _start_service(self, store: str) -> Callable[[], dict[str, str]]:
        """Start what the store's own tests use."""
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
        path = REPOSITORY / "template" / "options" / "store" / store / "service.py"
        running = runpy.run_path(str(path))["running"]
        service: Callable[[], dict[str, str]] = self._stack.enter_context(
            running(self.folder / "services")
        )
        return service

    @contextmanager
    def _reference(self, name: str, variables: Mapping[str, str]) -> Iterator[launcher.Server]:
        """Run one of our own apps with uvicorn, as its documentation does."""
        port = launcher.free_port()
        module = f"benchmarks.apps.{name}:app"
        command = [sys.executable, "-m", "uvicorn", module, "--port", str(port)]
        log = self.folder / f"{name}.log"
        environment = {**os.environ, **variables, **python_path()}
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        server = launcher.Server(
            f"http://{launcher.HOST}:{port}/chatkit", process, log, environment
        )
        try:
            while "Uvicorn running" not in server.output():
                if process.poll() is not None:
                    sys.exit(f"error: {module} does not start: {server.output()}")
                time.sleep(0.05)
            yield server
        finally:
            server.stop()


@contextmanager
def open_lab(stores: Sequence[str] = STORES, rounds: int = 5) -> Iterator[Lab]:
    """Yield a lab in the repository's `build` folder, and remove it at the end."""
    build = REPOSITORY / "build"
    build.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=build) as folder,
        ExitStack() as stack,
    ):
        lab = Path(folder)
        for name in ("projects", "services"):
            (lab / name).mkdir()
        yield Lab(lab, stack, stores, rounds)


def load(command: str, **arguments: object) -> Any:
    """Run the load generator and return its result; exit if a response is bad."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load", command, json.dumps(arguments)],
        env={**os.environ, **python_path()},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit("error: the load generator failed; its last line is above")
    return json.loads(done.stdout)


def python_path() -> dict[str, str]:
    """Let every process import this package."""
    return {"PYTHONPATH": str(REPOSITORY)}
