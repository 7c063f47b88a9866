"""Shows headers without their values."""

from collections.abc import Mapping

from chatkit_scaffold.conformance.credentials import split_headers

_SCHEMES = frozenset({"basic", "bearer", "digest", "dpop", "negotiate", "token"})
"""What may be shown in front of a secret; the first word of any other value may be part of it."""


def masked(headers: Mapping[str, str]) -> list[str]:
    """Return the headers with `…` for each value, or for each cookie's value.

    No value is shown, because any may be a secret; not even its length.
    """
    plain, credentials = split_headers(headers)
    shown = [f"{name}: …" for name in plain]
    cookies = [one.cookie for one in credentials if one.cookie]
    for one in credentials:
        if not one.cookie:
            scheme = f"{one.scheme} " if one.scheme.lower() in _SCHEMES else ""
            shown.append(f"{one.header}: {scheme}…")
    if cookies:
        shown.append(f"Cookie: {'; '.join(f'{name}=…' for name in cookies)}")
    return shown
