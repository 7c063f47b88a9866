"""The template keeps to its own rules: every question is used, and Python holds no tags."""

import re
from pathlib import Path

import pytest
from copier._jinja_ext import YieldExtension  # Copier loads it for every template.
from jinja2 import Environment, nodes

from chatkit_scaffold.generator import questions
from tests.command import REPOSITORY
from tests.matrix import QUESTIONS

TEMPLATE = REPOSITORY / "template"
JINJA = Environment(autoescape=True, extensions=[YieldExtension])
INCLUDE = re.compile(
    r"(\{#-[^#]*#\}\s*)?(\{%- set [^%]* -%\}\s*)?(\{%- filter replace\([^%]* -%\}\s*)?"
    r"\{%- include [^%]* -%\}(\s*\{%- endfilter -%\})?"
)
"""One include, in which one text may be replaced by a fact."""

AXES = questions.axes(QUESTIONS)


def variables_used() -> set[str]:
    """Return every variable that a file, or a file's name, of the template reads."""
    used: set[str] = set()
    for path in (TEMPLATE / "project").rglob("*"):
        texts = [path.relative_to(TEMPLATE).as_posix()]
        if path.suffix == ".jinja":
            texts.append(path.read_text(encoding="utf-8"))
        for text in texts:
            used |= {name.name for name in JINJA.parse(text).find_all(nodes.Name)}
    return used


@pytest.mark.quick
@pytest.mark.parametrize("key", [question.key for question in QUESTIONS])
def test_every_question_is_used(key: str) -> None:
    """An answer that changes nothing would not have to be given."""
    assert key in variables_used()


@pytest.mark.quick
@pytest.mark.parametrize(
    "path", sorted(TEMPLATE.rglob("*.py")), ids=lambda path: path.relative_to(TEMPLATE).as_posix()
)
def test_python_has_no_tags(path: Path) -> None:
    """Python of the template compiles where it lies."""
    text = path.read_text(encoding="utf-8")
    assert "{%" not in text
    assert "{{" not in text
    compile(text, path, "exec")


@pytest.mark.quick
@pytest.mark.parametrize(
    "path",
    sorted(TEMPLATE.rglob("*.py*.jinja")),
    ids=lambda path: path.relative_to(TEMPLATE).as_posix(),
)
def test_rendered_python_is_one_include(path: Path) -> None:
    """A file named `*.py.jinja` names a plain file; only `app/__init__.py` holds an answer."""
    if path.name == "__init__.py.jinja" and path.parent.name == "app":
        return
    tag = path.read_text(encoding="utf-8").strip()
    assert re.fullmatch(INCLUDE, tag), tag


@pytest.mark.quick
def test_every_axis_has_the_default_it_offers() -> None:
    """A default is one of the choices."""
    for axis in AXES:
        assert axis.default in {choice.value for choice in axis.choices}
