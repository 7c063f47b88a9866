"""What `requirements.lock` locks."""

import re
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name


def locked_versions(root: Path) -> dict[str, str]:
    """Return the locked version of each package."""
    lock = (root / "requirements.lock").read_text(encoding="utf-8")
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", lock, flags=re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def unmet(line: str, locked: dict[str, str]) -> str:
    """Return why the lock does not meet a requirement; empty if it does."""
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return f"{line!r} is not a requirement"
    version = locked.get(canonicalize_name(requirement.name))
    if version is None:
        return f"{requirement.name} is not locked"
    if not requirement.specifier.contains(version, prereleases=True):
        return f"{requirement.name} is locked at {version}, which is not {requirement.specifier}"
    return ""
