"""The log is for people in development, and for programs in production."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Literal

import httpx
import pytest

from app import ENDPOINT
from app.common_settings import CommonSettings
from app.logs import logs_json
from tests.backend import bare_environment


@pytest.fixture
def environment(
    store_env: dict[str, str], agent_env: dict[str, str], auth_env: dict[str, str]
) -> dict[str, str]:
    """Environment of a backend on a free port."""
    return {**bare_environment(), **store_env, **agent_env, **auth_env, "PORT": "0"}


@contextmanager
def log_of(environment: dict[str, str]) -> Iterator[IO[str]]:
    """Run a backend and yield its log."""
    with subprocess.Popen(
        [sys.executable, "-m", "app"], env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        yield process.stderr
        process.terminate()


def test_development_shows_one_plain_line_per_request(environment: dict[str, str]) -> None:
    """The first line has the URL; a line that is not shown on a terminal has no colours."""
    with log_of(environment) as log:
        listening = re.fullmatch(r"[\d:]+ \[info\] listening +url=(\S+)\n", log.readline())
        assert listening is not None
        assert listening[1].endswith(ENDPOINT)
        response = httpx.get(f"{listening[1]}/health", trust_env=False)
        line = log.readline()
    assert re.match(rf"[\d:]+ \[info\] 200 GET {ENDPOINT}/health ", line)
    assert f"request_id={response.headers['x-request-id']}" in line


def test_client_cannot_write_lines_of_the_log(environment: dict[str, str]) -> None:
    """What a path has besides printable characters is escaped; other letters are not."""
    with log_of(environment) as log:
        url = log.readline().rpartition("url=")[2].strip().removesuffix(ENDPOINT)
        httpx.get(f"{url}/größe%0A12:00:00%20[info]%20forged%1B[2J", trust_env=False)
        line = log.readline()
    assert r" 404 GET /größe\n12:00:00 [info] forged\x1b[2J " in line


def test_json_has_one_object_per_line(environment: dict[str, str]) -> None:
    """LOG_FORMAT=json is for programs, also in development."""
    with log_of({**environment, "LOG_FORMAT": "json"}) as log:
        listening = json.loads(log.readline())
        httpx.get(f"{listening['url']}/health", trust_env=False)
        entry = json.loads(log.readline())
    assert (entry["event"], entry["level"], entry["status"]) == ("request", "info", 200)
    assert entry["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    ("app_env", "log_format", "expected"),
    [
        ("development", "auto", False),
        ("development", "json", True),
        ("production", "auto", True),
        ("production", "console", False),
    ],
)
def test_production_logs_json_by_default(
    app_env: Literal["development", "production"],
    log_format: Literal["auto", "console", "json"],
    expected: bool,
) -> None:
    """LOG_FORMAT wins over APP_ENV."""
    assert logs_json(CommonSettings(app_env=app_env, log_format=log_format)) is expected
