"""Which checks to run."""

import difflib
from collections.abc import Iterable, Mapping

from chatkit_scaffold.conformance.check import Check
from chatkit_scaffold.errors import ScaffoldError


def select_checks(
    registry: Mapping[str, Check], select: Iterable[str] = (), ignore: Iterable[str] = ()
) -> list[Check]:
    """Return the checks to run, each after those it needs.

    Args:
        registry: All checks, declared in an order in which they can run.
        select: Ids, families or other beginnings of ids; what they need comes along.
        ignore: The same, to leave out; what needs them runs all the same.

    Raises:
        ScaffoldError: A word fits no check, or no check is left.
    """
    ignored = {check_id for word in ignore for check_id in _matching(registry, word)}
    wanted = {check_id for word in select for check_id in _matching(registry, word)}
    wanted = _with_needs(registry, wanted or set(registry), ignored) - ignored
    if not wanted:
        raise ScaffoldError(
            "no check is left to run", hint="ignore fewer, or see chatkit-scaffold check --list"
        )
    # What looks back on all the others runs after them.
    return sorted(
        (check for check in registry.values() if check.id in wanted), key=lambda one: one.last
    )


def _matching(registry: Mapping[str, Check], word: str) -> list[str]:
    """Return the ids that are or begin with *word*, whole words only."""
    found = [one for one in registry if one == word or one.startswith(word.rstrip("-") + "-")]
    if word and found:
        return found
    near = difflib.get_close_matches(word, [*registry, *_families(registry)], n=3)
    hint = f"did you mean {', '.join(near)}?" if near else "see chatkit-scaffold check --list"
    raise ScaffoldError(f"there is no check {word!r}", hint=hint)


def _families(registry: Mapping[str, Check]) -> list[str]:
    return list(dict.fromkeys(check.family for check in registry.values()))


def _with_needs(registry: Mapping[str, Check], wanted: set[str], ignored: set[str]) -> set[str]:
    found: set[str] = set()
    rest = set(wanted) - ignored
    while rest:
        found |= rest
        rest = {need for one in rest for need in registry[one].needs} - found - ignored
    return found
