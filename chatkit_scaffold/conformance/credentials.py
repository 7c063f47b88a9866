"""The headers and cookies by which a user signs in."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from chatkit_scaffold.protocol.cookies import read_cookies

_NOT_CREDENTIALS = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "chatkit-device-id",
        "chatkit-frame-instance-id",
        "connection",
        "content-type",
        "dnt",
        "host",
        "ngrok-skip-browser-warning",
        "origin",
        "pragma",
        "priority",
        "referer",
        "user-agent",
        "x-requested-with",
    }
)
_NOT_CREDENTIAL_PREFIX = "sec-"
_SECRET = re.compile(r"auth|token|key|secret|jwt|password|credential|signature", re.IGNORECASE)
_SECRET_COOKIE = re.compile(r"sess|sid", re.IGNORECASE)
_NO_SECRET = re.compile(r"idempotency|tenant|organi[sz]ation|project|workspace", re.IGNORECASE)
"""Names of values that say what a request is about, even if they contain the word `key`."""
_SENT_BY_BROWSERS = frozenset({"basic", "digest", "negotiate", "ntlm"})


@dataclass(frozen=True, slots=True)
class Credential:
    """A header or a cookie that may identify the user.

    Attributes:
        header: The header's name, as the user wrote it.
        value: The header's or the cookie's value; never shown.
        cookie: The cookie's name; empty for any other header.
    """

    header: str
    value: str
    cookie: str = ""

    @property
    def name(self) -> str:
        """Its name for reports."""
        return f"cookie {self.cookie}" if self.cookie else self.header

    @property
    def scheme(self) -> str:
        """The first word of a header such as `Authorization: Bearer …`; empty without one."""
        return self.value.partition(" ")[0] if " " in self.value and not self.cookie else ""

    @property
    def secret(self) -> str:
        """The value without its scheme."""
        return self.value.removeprefix(self.scheme).strip()

    @property
    def seems_secret(self) -> bool:
        """Whether its name is one of a secret, rather than, say, of a tenant or a device."""
        if _NO_SECRET.search(self.name):
            return False
        in_cookie = self.cookie and _SECRET_COOKIE.search(self.cookie)
        return bool(in_cookie or _SECRET.search(self.cookie or self.header))

    @property
    def travels_by_itself(self) -> bool:
        """Whether a browser adds it to every request, even to those of another site's page."""
        return bool(self.cookie) or self.scheme.lower() in _SENT_BY_BROWSERS

    def with_value(self, value: str) -> "Credential":
        """Return the same header or cookie with another value."""
        return replace(self, value=value)

    def with_secret(self, secret: str) -> "Credential":
        """Return the same header or cookie with another secret, after the same scheme."""
        return replace(self, value=f"{self.scheme} {secret}".strip())


def split_headers(headers: Mapping[str, str]) -> tuple[dict[str, str], list[Credential]]:
    """Return the headers that cannot be credentials, and all others as credentials."""
    plain, credentials = {}, []
    for name, value in headers.items():
        lower = name.lower()
        if lower in _NOT_CREDENTIALS or lower.startswith(_NOT_CREDENTIAL_PREFIX):
            plain[name] = value
        elif lower == "cookie":
            cookies = read_cookies(value).items()
            credentials += [Credential(name, text, cookie) for cookie, text in cookies]
        else:
            credentials.append(Credential(name, value))
    return plain, credentials


def as_headers(credentials: Iterable[Credential]) -> dict[str, str]:
    """Return the headers that present the credentials, all cookies in one."""
    headers: dict[str, str] = {}
    for one in credentials:
        if one.cookie:
            cookie = f"{one.cookie}={one.value}"
            headers[one.header] = "; ".join(filter(None, [headers.get(one.header, ""), cookie]))
        else:
            headers[one.header] = one.value
    return headers
