"""Selects the checks to run."""

import difflib
from collections.abc import Iterable, Mapping

from chatkit_scaffold.conformance.check import Check
from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.text import listed

_SEE_LIST = "See chatkit-scaffold check --list."


def select_checks(
    registry: Mapping[str, Check], select: Iterable[str] = (), ignore: Iterable[str] = ()
) -> list[Check]:
    """Return the checks to run, each after those it needs.

    Args:
        registry: All checks, each after those it needs.
        select: Ids, families or other prefixes of ids; the checks they need run as well.
        ignore: Ids, families or prefixes to leave out; checks that need them still run.

    Raises:
        ScaffoldError: A word matches no check, or no check is left.
    """
    ignored = {check_id for word in ignore for check_id in _matching(registry, word)}
    wanted = {check_id for word in select for check_id in _matching(registry, word)}
    wanted = _with_needs(registry, wanted or set(registry), ignored) - ignored
    if not wanted:
        raise ScaffoldError("No check is left to run", hint="Ignore fewer checks.")
    # A stable sort: apart from the last checks, the order of the registry is kept.
    return sorted(
        (check for check in registry.values() if check.id in wanted), key=lambda one: one.last
    )


def _matching(registry: Mapping[str, Check], word: str) -> list[str]:
    """Return *word* if it is an id, otherwise the ids that start with it and a hyphen."""
    if word in registry:
        return [word]
    found = [one for one in registry if one.startswith(word.rstrip("-") + "-")]
    if word and found:
        return found
    similar = difflib.get_close_matches(word, [*registry, *_families(registry)], n=3)
    hint = f"Did you mean {listed(similar, 'or')}?" if similar else _SEE_LIST
    raise ScaffoldError(f"No check matches {word!r}", hint=hint)


def _families(registry: Mapping[str, Check]) -> list[str]:
    return list(dict.fromkeys(check.family for check in registry.values()))


def _with_needs(registry: Mapping[str, Check], wanted: set[str], ignored: set[str]) -> set[str]:
    found: set[str] = set()
    rest = set(wanted) - ignored
    while rest:
        found |= rest
        rest = {need for one in rest for need in registry[one].needs} - found - ignored
    return found
