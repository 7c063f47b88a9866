"""What each choice adds to a project, read from its folder in the template."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable that a choice reads.

    Attributes:
        name: Its name.
        default: The value in the example file.
        required: Whether the backend refuses to start without a value of the owner's.
    """

    name: str
    default: str
    required: bool


def requirements(root: Path, axis: str, choice: str) -> list[str]:
    """Return the PEP 508 requirements that a choice adds."""
    return [line for line in _lines(root, axis, choice, "requirements.txt") if line[0] != "#"]


def variables(root: Path, axis: str, choice: str) -> list[Variable]:
    """Return the environment variables that a choice reads, from its `env.example`."""
    return parse_variables(_lines(root, axis, choice, "env.example"))


def parse_variables(lines: Iterable[str]) -> list[Variable]:
    """Return the variables of an example file.

    A line `NAME=` is required, and `# NAME=value` is optional.
    """
    found = []
    for line in lines:
        name, separator, default = line.removeprefix("#").strip().partition("=")
        if separator and name.isidentifier() and name.isupper():
            found.append(Variable(name, default.strip(), required=not line.startswith("#")))
    return found


def _lines(root: Path, axis: str, choice: str, name: str) -> list[str]:
    text = (root / "template" / "options" / axis / choice / name).read_text(encoding="utf-8")
    return [stripped for line in text.splitlines() if (stripped := line.strip())]
