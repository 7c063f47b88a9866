"""`chatkit-scaffold new --play`: from an empty folder to a chat."""

import signal
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from chatkit_scaffold.protocol.client import user_input
from tests.command import run, started

pytestmark = pytest.mark.usefixtures("workplace")


@pytest.mark.xdist_group("served")
@pytest.mark.parametrize(
    ("choices", "users"), [([], ["first"]), (["--auth=jwt"], ["first", "second"])]
)
def test_opens_a_chat_with_a_new_backend(
    workplace: Path, choices: list[str], users: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message gets an answer, for each user that can sign in; Ctrl+C stops everything."""
    monkeypatch.delenv("JWT_SECRET", raising=False)
    create = {"type": "threads.create", "params": {"input": user_input("Is anybody there?")}}
    arguments = ("new", "bot", "--defaults", *choices, "--play", "--no-open")
    with started(*arguments, cwd=workplace) as (line, process):
        with httpx.Client(base_url=line.split()[-1], timeout=30) as page:
            config = page.get("config").json()
            for user in users:
                answer = page.post(f"send?user={user}", json=create)
                assert answer.status_code == HTTPStatus.OK
                assert "Is anybody there?" in answer.text
                about = page.get(f"exchanges/{answer.headers['x-play-exchange']}").json()
                assert about["warnings"] == []
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)

    assert process.returncode == 0, errors
    assert errors.splitlines()[-1] == " note: press Ctrl+C to stop"
    assert [user["id"] for user in config["users"]] == users
    with pytest.raises(httpx.ConnectError):
        httpx.get(config["url"])
    # The conversation stays, as in any project that was used.
    assert (workplace / "bot" / "chatkit.db").exists()


def test_not_with_json(workplace: Path) -> None:
    """A command that runs until it is stopped has no result to print, and creates nothing."""
    result = run("new", "bot", "--play", "--json")

    assert (result.exit_code, result.stdout) == (2, "")
    error, hint = result.stderr.splitlines()
    assert error.startswith("error: --play runs until you press Ctrl+C")
    assert hint.startswith(" hint: ")
    assert not (workplace / "bot").exists()
