"""The page docs/checks.md, which `make docs` writes."""

from itertools import groupby

from chatkit_scaffold.conformance.check import Check
from chatkit_scaffold.conformance.explain import explanations
from chatkit_scaffold.conformance.families import REGISTRY

_INTRODUCTION = """\
# The checks

What `chatkit-scaffold check URL` checks. A server that fails a **MUST** breaks the official client
or the SDK, loses data, or gives a user access to another user's data. A server that fails a
**SHOULD** works, but gives its users a worse experience.

This page is generated from the checks: `make docs`.
"""


def page() -> str:
    """Return the page."""
    families = groupby(REGISTRY.values(), key=lambda check: check.family)
    parts = [_INTRODUCTION]
    for family, checks in families:
        parts.append(f"## {family}\n")
        parts += [_section(check) for check in checks]
    return "\n".join(parts)


def _section(check: Check) -> str:
    text = explanations()[check.id]
    needs = ", ".join(f"`{need}`" for need in sorted(check.needs))
    return (
        f"### {check.id}\n\n"
        f"**{check.level}** {check.title}\n\n"
        f"- Symptom: {text.symptom}\n"
        f"- Cause: {text.cause}\n"
        f"- Fix: {check.fix}\n"
        f"- Source: {check.source}\n" + (f"- Needs: {needs}\n" if needs else "") + "\n"
        f"```{text.language}\n{text.code}\n```\n"
    )
