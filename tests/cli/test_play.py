"""`chatkit-scaffold play` at the command line."""

import signal
import socket
import subprocess
import sys
import time
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
import trustme

from tests.command import run, started
from tests.conformance.servers.correct import build, headers_for
from tests.conformance.servers.serving import serve

LIST = {"type": "threads.list", "params": {"limit": 1, "order": "desc"}}
FIRST, SECOND = (f"Authorization: {headers_for(user)['Authorization']}" for user in "ab")


def test_plays_until_interrupted() -> None:
    """One line has the address; the page works; Ctrl+C ends it with status 0."""
    with (
        serve(build()) as url,
        started("play", url, "--no-open", "--header", FIRST, "--other-header", SECOND) as (
            line,
            process,
        ),
    ):
        words, _, address = line.strip().rpartition(" ")
        assert words == f"Chat with {url} at"
        with httpx.Client(base_url=address) as page:
            for user in ("first", "second"):
                answer = page.post(f"send?user={user}", json=LIST)
                assert answer.json() == {"data": [], "has_more": False}
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
    assert (process.returncode, rest) == (0, "")
    assert errors == " note: press Ctrl+C to stop\n"


INTERRUPTED = """
import signal, weakref
from chatkit_scaffold.cli.app import main
from chatkit_scaffold.play import server

class Thing: pass
thing = Thing()
callback = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))

def interrupt(address):
    global thing
    del thing

server.open_browser = interrupt
main()
"""
"""Interrupts `play` before it serves, in a callback: Python ignores the exceptions of those."""


def test_interrupted_before_it_serves() -> None:
    """Ctrl+C ends it with status 0 also then."""
    with serve(build()) as url:
        done = subprocess.run(
            [sys.executable, "-c", INTERRUPTED, "play", url],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (0, " note: press Ctrl+C to stop\n")


def test_opens_the_browser(tmp_path: Path) -> None:
    """The page is opened in the user's browser, at its address."""
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}.part && mv {opened}.part {opened}\n')
    browser.chmod(0o755)
    with serve(build()) as url, started("play", url, env={"BROWSER": f"{browser} %s"}) as found:
        line, process = found
        deadline = time.monotonic() + 30
        while not opened.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert opened.read_text().strip() == line.split()[-1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM


def test_headers_from_the_environment() -> None:
    """Headers can come from the environment, where other users cannot see them."""
    variables = {"CHATKIT_HEADER": FIRST, "CHATKIT_OTHER_HEADER": SECOND}
    with serve(build()) as url, started("play", url, "--no-open", env=variables) as (line, _):
        config = httpx.get(f"{line.split()[-1]}config").json()
    assert config["users"] == [
        {"id": "first", "headers": ["Authorization: Bearer …"]},
        {"id": "second", "headers": ["Authorization: Bearer …"]},
    ]


def test_opens_without_a_backend() -> None:
    """A backend that does not run yet is a note, because it can be started later."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/chatkit"
    with started("play", url, "--no-open") as (line, process):
        failed = httpx.post(f"{line.split()[-1]}send", json=LIST)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert failed.json()["error"]["code"] == "unreachable"
    assert errors.splitlines()[0] == f" note: nothing listens at {url} yet"
    assert process.returncode == 0


def test_trusts_as_check_does(tmp_path: Path) -> None:
    """--ca-file and --insecure let the page talk to a backend with a private certificate."""
    authority = trustme.CA()
    ca_file, certificate = tmp_path / "ca.pem", tmp_path / "server.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    leaf = authority.issue_cert("127.0.0.1")
    leaf.private_key_and_cert_chain_pem.write_to_path(str(certificate))
    with serve(build(), certificate=certificate) as url:
        for options, status in (
            ([], HTTPStatus.BAD_GATEWAY),
            (["--insecure"], HTTPStatus.OK),
            (["--ca-file", ca_file], HTTPStatus.OK),
        ):
            with started("play", url, "--no-open", "--header", FIRST, *options) as (line, _):
                assert httpx.post(f"{line.split()[-1]}send", json=LIST).status_code == status


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        ([], "URL is missing", "Pass the endpoint"),
        (["localhost:8000"], "'localhost:8000' is not a valid HTTP URL", "Pass the full URL"),
        (["http://h/x", "--header", "secret"], "A line of --header is not", "'Name: value'"),
        (["http://127.0.0.1:9/x", "--header", "A: ✓"], "A header cannot be sent: A", "ASCII"),
        (["http://h/x", "--ca-file", "/missing"], "The CA file /missing cannot be used", "PEM"),
    ],
)
def test_wrong_usage(arguments: list[str], error: str, hint: str) -> None:
    """Wrong usage prints one sentence with the value and one hint, and exits with 2."""
    result = run("play", *arguments, "--no-open")
    assert (result.exit_code, result.stdout) == (2, "")
    first, second = result.stderr.splitlines()
    assert first.startswith("error: ")
    assert error in first
    assert hint in second
    assert "secret" not in result.output


def test_port_in_use() -> None:
    """A port that is taken is an error with the port; a free one is used."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run("play", "http://127.0.0.1:9/x", "--no-open", "--port", port)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        f"error: Port {port} is in use",
        " hint: Pass another one with --port, or none for any free port.",
    ]
    with started("play", "http://127.0.0.1:9/x", "--no-open", "--port", port) as (line, _):
        assert line.split()[-1].startswith(f"http://127.0.0.1:{port}/")


def test_runs_beside_itself() -> None:
    """Two pages for one backend have different ports and tokens."""
    with (
        started("play", "http://127.0.0.1:9/x", "--no-open") as (first, _),
        started("play", "http://127.0.0.1:9/x", "--no-open") as (second, _),
    ):
        one, other = first.split()[-1], second.split()[-1]
        assert one.split("/")[2] != other.split("/")[2]
        token = one.split("/")[3]
        assert token != other.split("/")[3]
        wrong = other.replace(other.split("/")[3], token)
        assert httpx.get(wrong).status_code == HTTPStatus.NOT_FOUND
