"""Reads the headers and the origin that users pass to `check`."""

from collections.abc import Sequence

from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.text import shorten


def parse_headers(lines: Sequence[str]) -> dict[str, str]:
    """Return the headers in `Name: value` lines.

    Raises:
        ScaffoldError: A line has no name or no value, or a name is repeated.
    """
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.strip()
        if not (colon and name and value.strip() and name.isascii() and " " not in name):
            raise ScaffoldError(
                f"{shorten(name, 40)!r} is not a header with a value",
                hint="Write it as 'Name: value', such as --header 'Authorization: Bearer …'.",
            )
        if name.lower() in {known.lower() for known in headers}:
            raise ScaffoldError(
                f"The header {name} was passed twice", hint="Pass each header once per user."
            )
        headers[name] = value.strip()
    return headers


def require_origin(value: str | None) -> None:
    """Check that *value* can be sent as `Origin`.

    Raises:
        ScaffoldError: It is not a scheme, a host and possibly a port.
    """
    if value is None:
        return
    scheme, separator, host = value.partition("://")
    if scheme not in ("http", "https") or not (separator and host) or "/" in host:
        raise ScaffoldError(
            f"{value!r} is not an origin",
            hint="Pass only scheme, host and port, such as https://app.example.com.",
        )
