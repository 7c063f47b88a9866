"""Only a valid badge signs in, and only as its own user."""

import pytest
from pydantic import SecretStr, ValidationError

from app.auth import HEADER, AuthSettings, sign_badge
from tests.backend import Backend

FOREIGN = sign_badge("alice", AuthSettings(badge_secret=SecretStr("of somebody else")))


@pytest.mark.parametrize("badge", ["", "alice", "alice:", ":", FOREIGN])
def test_other_badges_are_401(backend: Backend, badge: str) -> None:
    """What the backend's own secret has not signed is refused, and the answer names the scheme."""
    response = backend.client(headers={HEADER: badge}).post("threads.list")
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Badge"


def test_badge_of_another_user_is_401(backend: Backend, auth_env: dict[str, str]) -> None:
    """A signature is valid for its own user only."""
    settings = AuthSettings(badge_secret=SecretStr(auth_env["BADGE_SECRET"]))
    badge = sign_badge("alice", settings).replace("alice", "bob")
    assert backend.client(headers={HEADER: badge}).post("threads.list").status_code == 401


def test_users_do_not_see_each_other(backend: Backend) -> None:
    """A thread of one user does not exist for another."""
    thread_id = backend.client("alice").create_thread("Hi").thread_id
    assert backend.client("bob").post("threads.get_by_id", thread_id=thread_id).status_code == 404


def test_placeholder_is_refused() -> None:
    """The example's secret does not start."""
    with pytest.raises(ValidationError, match="is still a placeholder"):
        AuthSettings(badge_secret=SecretStr("change-me"))
