"""An agent without widgets declines their actions."""

import pytest

from tests.backend import Backend


@pytest.mark.parametrize("operation", ["threads.custom_action", "threads.sync_custom_action"])
def test_actions_are_declined(backend: Backend, operation: str) -> None:
    """The client learns that they are not supported."""
    params = {"thread_id": "x", "action": {"type": "x"}}
    response = backend.client().post(operation, **params)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "not_supported")
