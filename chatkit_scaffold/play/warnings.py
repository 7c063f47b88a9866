"""Warnings: what `check` would report about an exchange."""

from typing import Any

from chatkit_scaffold.conformance.recorded import Finding, judge
from chatkit_scaffold.conformance.views import View
from chatkit_scaffold.play.user import User
from chatkit_scaffold.protocol.exchange import Exchange


def warnings_about(exchange: Exchange, views: list[View], user: User) -> list[dict[str, Any]]:
    """Return the checks that fail on an exchange, as the page shows them."""
    return [_as_dict(finding, user) for finding in judge(exchange, views)]


def _as_dict(finding: Finding, user: User) -> dict[str, Any]:
    result, clean = finding.result, user.without_secrets
    return {
        "check": result.check.id,
        "level": str(result.level),
        "message": result.check.title,
        "expected": clean(result.expected),
        "got": clean(result.got),
        "fix": clean(result.fix),
        "event": finding.event,
    }
