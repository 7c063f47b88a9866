"""The names that a request may be sent to.

A page of another site can point its own domain name at this backend's address (DNS rebinding):
the browser then takes the backend for a part of that site. Only the name in `Host` shows it.
"""

from collections.abc import Sequence

from starlette.types import Scope


class Hosts:
    """The names in `ALLOWED_HOSTS`.

    Args:
        patterns: Names such as `chat.example.com` and `*.example.com`, in lower case; `*`, or
            no pattern at all, allows every name.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._any = not patterns or "*" in patterns
        self._names = frozenset(patterns)
        self._suffixes = tuple(pattern[1:] for pattern in patterns if pattern.startswith("*."))

    def allows(self, scope: Scope) -> bool:
        """Return whether the request may be answered.

        One without `Host` may: browsers always send it, some health checks do not.
        """
        return self._any or (host := host_of(scope)) == "" or self._knows(host, scope)

    def owns(self, scope: Scope) -> bool:
        """Return whether the request was sent to a name that is certainly this backend's."""
        return self._knows(host_of(scope), scope)

    def _knows(self, host: str, scope: Scope) -> bool:
        name = host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]
        name = name.rstrip(".")
        if name in self._names or name.endswith(self._suffixes):
            return True
        # Health checks often use the address; no other site's page can have it as its name.
        server = scope.get("server")
        return server is not None and name.strip("[]") == server[0]


def host_of(scope: Scope) -> str:
    """Return the request's `Host`, in lower case; empty if it has none."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    # Two of them are one that nobody has.
    return b",".join(hosts).decode("latin-1").lower()
