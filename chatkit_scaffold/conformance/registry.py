"""The registry of all checks; importing the families fills it."""

from collections.abc import Callable, Collection

from chatkit_scaffold.conformance.check import Check, CheckFunction, Level

_OF_THE_SDK = ("chatkit/", "docs quickstart")
"""How sources name the SDK's files and its documentation."""
_SDK_VERSION = "openai-chatkit 1.6.5"
"""The release of the SDK that the sources are about."""

REGISTRY: dict[str, Check] = {}
"""All checks by id, in the order of their declaration, which is the order of a run."""


def check(
    check_id: str,
    *,
    level: Level,
    source: str,
    fix: str,
    needs: Collection[str] = (),
    last: bool = False,
    judges_errors: bool = False,
) -> Callable[[CheckFunction], CheckFunction]:
    """Declare a check; the first line of the function's docstring is its title.

    A *source* in the SDK gets the SDK's version at its end.

    Raises:
        ValueError: The id is in use, or a needed check is not declared before this one.
    """

    def declare(function: CheckFunction) -> CheckFunction:
        unknown = set(needs) - REGISTRY.keys()
        if check_id in REGISTRY or unknown:
            raise ValueError(f"{check_id} is in use or needs unknown checks: {sorted(unknown)}")
        version = f" ({_SDK_VERSION})" if any(name in source for name in _OF_THE_SDK) else ""
        title = (function.__doc__ or "").strip().splitlines()[0]
        REGISTRY[check_id] = Check(
            check_id,
            title,
            level,
            source + version,
            fix,
            frozenset(needs),
            last,
            judges_errors,
            function,
        )
        return function

    return declare
