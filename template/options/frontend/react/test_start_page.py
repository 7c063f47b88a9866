"""The page at `/`."""

from app.start_page import FOLDER
from tests.backend import Backend


def test_page_is_shown_once_it_is_built(backend: Backend) -> None:
    """Until then, the address shows how to build it."""
    response = backend.start_page()
    assert response.status_code == 200
    built = (FOLDER / "index.html").is_file()
    assert ('<div id="root">' if built else "npm run build") in response.text
