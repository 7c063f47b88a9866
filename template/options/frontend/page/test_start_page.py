"""The page at `/`."""

from tests.backend import Backend


def test_page(backend: Backend) -> None:
    """It is served."""
    assert backend.start_page().status_code == 200
