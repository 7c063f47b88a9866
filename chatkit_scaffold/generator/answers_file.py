"""Reads a file of answers, which may be anything: a pipe, a device, a trap for YAML parsers."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatkit_scaffold.errors import AnswerError
from chatkit_scaffold.text import shorten

if TYPE_CHECKING:
    from yaml import Node

MAX_BYTES = 64 * 1024
"""Much more than answers need; a device such as /dev/zero never ends."""
MAX_CHARACTERS = 1_000_000
"""Length of the answers once every alias has been replaced with what it stands for."""

_FORM = "Write one answer per line, such as 'store: sqlite'."

# Copier records these in every project; they name the template and answer no question.
_RECORDED = {"_src_path", "_commit"}


def read_answers(file: Path) -> dict[str, Any]:
    """Return the answers in a YAML file by question.

    Args:
        file: A file or a pipe, such as the `.copier-answers.yml` of another project.

    Raises:
        AnswerError: It cannot be read, is too large, or is not a mapping.
    """
    return {key: value for key, value in read_mapping(file).items() if key not in _RECORDED}


def read_mapping(file: Path) -> dict[str, Any]:
    """Return all that a file of answers contains, what Copier records included.

    Raises:
        AnswerError: As `read_answers`.
    """
    content = _parse(file, _read(file))
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise AnswerError(
            f"The answers file {file} is not a mapping of questions to answers", hint=_FORM
        )
    return content


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise AnswerError(
                f"The answers file {file} has more than {MAX_BYTES:,} bytes", hint=_FORM
            )
        return content.decode("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise AnswerError(
            f"The answers file {file} cannot be read: {reason}",
            hint="Pass a YAML file with lines such as 'store: sqlite'.",
        ) from error


def _parse(file: Path, text: str) -> Any:
    """Return the content of *text*; nothing in it may take long or much memory."""
    import yaml

    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        if _length(node, {}) > MAX_CHARACTERS:
            raise AnswerError(
                f"The aliases in the answers file {file} stand for more than "
                f"{MAX_CHARACTERS:,} characters",
                hint="Write out the answers without aliases.",
            )
        return loader.construct_document(node)
    except RecursionError as error:
        raise AnswerError(f"The answers file {file} is nested too deeply", hint=_FORM) from error
    except (yaml.YAMLError, ValueError) as error:
        # A date such as 2024-02-31 is a ValueError.
        raise AnswerError(
            f"The answers file {file} is not valid YAML{_place(error, text)}", hint=_FORM
        ) from error


def _length(node: "Node", known: dict[int, int]) -> int:
    """Return the characters of *node* with its aliases replaced, or a number above the limit.

    Args:
        node: A node of the graph that aliases make; it can contain itself.
        known: The lengths found so far, by the identity of the node.
    """
    if id(node) not in known:
        # Until it is known; only a node in itself gets here meanwhile.
        known[id(node)] = MAX_CHARACTERS + 1
        if isinstance(node.value, str):
            length = len(node.value)
        else:
            # A mapping has pairs, a sequence single nodes.
            entries = (one if isinstance(one, tuple) else (one,) for one in node.value)
            length = 1 + sum(_length(part, known) for entry in entries for part in entry)
        known[id(node)] = min(length, MAX_CHARACTERS + 1)
    return known[id(node)]


def _place(error: Exception, text: str) -> str:
    """Return the line of an error, or its reason if it has none."""
    if mark := getattr(error, "problem_mark", None):
        return f" (line {mark.line + 1})"
    if isinstance(position := getattr(error, "position", None), int):
        return f" (line {text.count(chr(10), 0, position) + 1})"
    return f": {shorten(str(error))}"
