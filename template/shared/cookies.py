"""Cookies that sign a browser in, and what keeps other sites from using or setting them."""

from typing import ClassVar, Literal

from fastapi import Request, Response
from pydantic import SecretStr

from app.common_settings import CommonSettings
from app.errors import ApiError
from app.origins import check_origin

MIN_SECRET_BYTES = 32
"""HMAC-SHA256 needs a key at least as long as its hash (RFC 2104, section 3)."""

SECONDS_PER_DAY = 86_400


class CookieSettings(CommonSettings):
    """How browsers treat the cookie."""

    uses_cookies: ClassVar[bool] = True

    cookie_same_site: Literal["lax", "none"] = "lax"
    """`lax`: browsers send the cookie from pages of the backend's own site only, whatever the
    port; `none`: from pages of any site, over HTTPS, unless they block third-party cookies."""


class Cookie:
    """A cookie that scripts cannot read.

    Args:
        name: Its name.
        settings: How browsers treat it.
        max_age: How long they keep it, in seconds.
    """

    def __init__(self, name: str, settings: CookieSettings, max_age: float) -> None:
        self.name = name
        self._max_age = max_age
        self._same_site = settings.cookie_same_site
        # Browsers ignore a cookie for other sites' pages that is not for HTTPS only.
        self._secure = settings.app_env == "production" or self._same_site == "none"

    def value(self, request: Request) -> str | None:
        """Return what the request's cookie contains, or None if there is none."""
        return request.cookies.get(self.name)

    def set(self, response: Response, value: str) -> None:
        """Give the browser a value to send with each request."""
        self._write(response, value, int(self._max_age))

    def delete(self, response: Response) -> None:
        """Let the browser forget the value."""
        self._write(response, "", 0)

    def _write(self, response: Response, value: str, max_age: int) -> None:
        response.set_cookie(
            self.name,
            value,
            max_age=max_age,
            httponly=True,
            samesite=self._same_site,
            secure=self._secure,
        )


def check_page(request: Request) -> None:
    """Reject a request that a page of another site could have sent.

    One without `Origin` is not from a page: browsers send it with every POST.

    Raises:
        ApiError: 403, the page is of another site; 415, the body is not JSON, such as a form,
            which browsers send anywhere without asking.
    """
    check_origin(request)
    content_type = request.headers.get("content-type", "application/json")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise ApiError(415, "not_json", "Send JSON, with `Content-Type: application/json`.")


def require_long(secret: SecretStr) -> SecretStr:
    """Return a secret that cannot be guessed.

    Raises:
        ValueError: It is too short.
    """
    if len(secret.get_secret_value().encode()) < MIN_SECRET_BYTES:
        raise ValueError(f"needs at least {MIN_SECRET_BYTES} bytes; try `openssl rand -hex 32`")
    return secret
