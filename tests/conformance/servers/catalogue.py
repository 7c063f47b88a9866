"""All servers of the tests, from the modules beside this one.

A module of faults has up to three dictionaries, which this one joins:

- `FAULTS`: one for each check, on which this check fails and those that it needs pass.
- `MORE_FAULTS`: by name, a check and another fault that it sees.
- `ODD`: by name, servers that are right and unusual; no check fails on them.
"""

from typing import Any

from tests.conformance.servers import (
    access_faults,
    agent_faults,
    attachments,
    browser_faults,
    harmful,
    http_faults,
    long_faults,
    odd,
    odd_http,
    odd_more,
    parallel_faults,
    store_faults,
    thread_faults,
    times,
)
from tests.conformance.servers.correct import Fault

_MODULES = (
    http_faults,
    store_faults,
    agent_faults,
    access_faults,
    attachments,
    browser_faults,
    harmful,
    long_faults,
    parallel_faults,
    thread_faults,
    times,
    odd,
    odd_http,
    odd_more,
)


def _joined(name: str) -> dict[str, Any]:
    """Return the dictionaries of a name in all modules as one."""
    return {key: value for module in _MODULES for key, value in getattr(module, name, {}).items()}


FAULTS: dict[str, Fault] = _joined("FAULTS")
MORE_FAULTS: dict[str, tuple[str, Fault]] = _joined("MORE_FAULTS")
ODD: dict[str, Fault] = _joined("ODD")
