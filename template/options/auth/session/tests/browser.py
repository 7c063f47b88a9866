"""Plays the part of a user's browser."""

import httpx

from app import ENDPOINT
from tests.backend import Backend, Client
from tests.private import note_credentials, note_words

PASSWORD = "correct horse battery"
WRONG = "incorrect horse battery"


class Browser:
    """A browser, which keeps the cookies that it gets, with one page open."""

    def __init__(self, backend: Backend, **headers: str) -> None:
        url = backend.url.removesuffix(ENDPOINT)
        self.http = httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False)
        self._backend = backend

    def post(self, path: str, **body: object) -> httpx.Response:
        """Send JSON to `/auth/…`."""
        note_words(body)
        response = self.http.post(f"/auth/{path}", json=body)
        note_credentials({"Cookie": self.cookie})
        return response

    def sign_in(self, path: str, email: str, password: str = PASSWORD) -> int:
        """Register or log in; return the status."""
        return self.post(path, email=email, password=password).status_code

    def me(self) -> int:
        """Return the status of `GET /auth/me`."""
        return self.http.get("/auth/me").status_code

    @property
    def cookie(self) -> str:
        """The session's cookie, as it is sent."""
        return f"session={self.http.cookies.get('session', '')}"

    @property
    def chatkit(self) -> Client:
        """A ChatKit client that sends the cookie."""
        return self._backend.client(headers={"Cookie": self.cookie})
