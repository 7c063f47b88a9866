"""Writes docs/checks.md: `python -m chatkit_scaffold.conformance.reference docs/checks.md`."""

import sys
from itertools import groupby
from pathlib import Path

from chatkit_scaffold.conformance.check import Check
from chatkit_scaffold.conformance.explain import explanations
from chatkit_scaffold.conformance.families import REGISTRY

_INTRODUCTION = """\
# The checks

What `chatkit-scaffold check URL` looks at. A **MUST** is there because otherwise the official
client or the SDK rejects or misreads the answer, data is lost, or one user reaches another's;
a **SHOULD** because the user gets a worse answer.

This page is made from the checks themselves:
`python -m chatkit_scaffold.conformance.reference docs/checks.md`.
"""


def page() -> str:
    """Return the whole page."""
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


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
