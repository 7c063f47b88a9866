"""All servers of the tests, from the modules beside this one.

A module of faults has up to three dictionaries, which this one joins:

- `FAULTS`: one for each check, on which this check fails and those that it needs pass.
- `MORE_FAULTS`: by name, a check and another fault that it sees.
- `ODD`: by name, servers that are right and unusual; no check fails on them.
"""

from tests.conformance.servers import (
    access_faults,
    agent_faults,
    attachments,
    browser_faults,
    harmful,
    http_faults,
    long_faults,
    odd,
    parallel_faults,
    store_faults,
)
from tests.conformance.servers.correct import Fault

FAULTS: dict[str, Fault] = {
    **http_faults.FAULTS,
    **store_faults.FAULTS,
    **agent_faults.FAULTS,
    **access_faults.FAULTS,
    **attachments.FAULTS,
    **browser_faults.FAULTS,
    **harmful.FAULTS,
    **long_faults.FAULTS,
    **parallel_faults.FAULTS,
}
MORE_FAULTS: dict[str, tuple[str, Fault]] = {
    **http_faults.MORE_FAULTS,
    **access_faults.MORE_FAULTS,
    **attachments.MORE_FAULTS,
    **browser_faults.MORE_FAULTS,
    **long_faults.MORE_FAULTS,
    **parallel_faults.MORE_FAULTS,
}
ODD: dict[str, Fault] = {
    **odd.ODD,
    **access_faults.ODD,
    **attachments.ODD,
    **browser_faults.ODD,
    **harmful.ODD,
    **long_faults.ODD,
    **parallel_faults.ODD,
}
