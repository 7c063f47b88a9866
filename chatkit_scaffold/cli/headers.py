"""Reads the URL, the headers and the origin that users pass to `check` and `play`."""

import os
import re
from collections.abc import Sequence
from typing import Annotated

import typer

from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.text import shorten

HEADER = "CHATKIT_HEADER"
OTHER_HEADER = "CHATKIT_OTHER_HEADER"

Url = Annotated[
    str, typer.Argument(metavar="URL", help="The ChatKit endpoint.", show_default=False)
]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token of RFC 9110, section 5.6.2."""


def read_headers(option: Sequence[str] | None, variable: str) -> dict[str, str]:
    """Return the headers of an option or else of an environment variable, one on each line.

    Other users of the machine can see a command line, but not the environment.

    Raises:
        ScaffoldError: See `parse_headers`.
    """
    if option:
        return parse_headers(option)
    lines = os.environ.get(variable, "").splitlines()
    return parse_headers([line for line in lines if line.strip()], variable)


def parse_headers(lines: Sequence[str], variable: str = "") -> dict[str, str]:
    """Return the headers in `Name: value` lines.

    Args:
        lines: The lines.
        variable: The environment variable that has them; empty for an option. An error shows
            only a name: anything else may be a secret.

    Raises:
        ScaffoldError: A line is not `Name: value`, or a name is repeated.
    """
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.strip()
        if not (_NAME.fullmatch(name) and value.strip()):
            # Without a colon, the line may well be a token.
            known = colon and not variable
            shown = repr(shorten(name, 40)) if known else f"A line of {variable or '--header'}"
            raise ScaffoldError(
                f"{shown} is not a header with a value",
                hint="Write it as 'Name: value', such as --header 'Authorization: Bearer …'.",
            )
        if name.lower() in {known.lower() for known in headers}:
            raise ScaffoldError(
                f"The header {name} was passed twice", hint="Pass each header once per user."
            )
        headers[name] = value.strip()
    return headers


def url_is_missing() -> ScaffoldError:
    """Return the error for a command without the URL that it needs."""
    return ScaffoldError(
        "URL is missing", hint="Pass the endpoint, such as http://127.0.0.1:8000/chatkit."
    )


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
