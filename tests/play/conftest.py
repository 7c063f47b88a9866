"""The page that tests share, because they leave it as it was."""

from collections.abc import Iterator

import pytest

from tests.conformance.servers.correct import build, headers_for
from tests.conformance.servers.serving import serve
from tests.play.client import Page, playing


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """The page of the correct server, with two users."""
    with (
        serve(build()) as url,
        playing(url, headers_for("first"), headers_for("second")) as found,
    ):
        yield found
