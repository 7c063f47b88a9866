"""Serves the folder `probe`: the smallest page that configures ChatKit's element."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from tests.conformance.servers.serving import serve

_FOLDER = Path(__file__).parent / "probe"


class _Files(StaticFiles):
    """Files with a Content Security Policy."""

    def __init__(self, policy: str) -> None:
        super().__init__(directory=_FOLDER, html=True)
        self._policy = policy

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file."""
        response = await super().get_response(path, scope)
        response.headers["content-security-policy"] = self._policy
        response.headers["cache-control"] = "no-store"
        return response


@contextmanager
def running(policy: str = "", host: str = "127.0.0.1") -> Iterator[str]:
    """Serve the page until the block ends; yield its origin.

    Args:
        policy: Its Content Security Policy.
        host: A name that the browser resolves to this machine.
    """
    with serve(Starlette(routes=[Mount("/", _Files(policy))])) as url:
        yield f"http://{host}:{urlsplit(url).port}"


def address(origin: str, endpoint: str) -> str:
    """Return the address of the page that talks to an endpoint."""
    return f"{origin}/?{urlencode({'url': endpoint})}"
