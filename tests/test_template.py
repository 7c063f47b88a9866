"""The template keeps to its own rules: every question is used, and choices are alike."""

from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from chatkit_scaffold import options
from tests.command import REPOSITORY
from tests.matrix import QUESTIONS

TEMPLATE = REPOSITORY / "template"
JINJA = Environment(autoescape=True)
AXES = options.axes(QUESTIONS)


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
@pytest.mark.parametrize("axis", AXES, ids=lambda axis: axis.key)
def test_choices_are_folders_with_the_same_files(axis: options.Question) -> None:
    """Each choice is a folder, each folder is a choice, and all of an axis have the same files.

    Only a command of its own, `command.py`, is optional.
    """
    folders = {path.name: path for path in (TEMPLATE / "options" / axis.key).iterdir()}
    assert set(folders) == {choice.value for choice in axis.choices}
    files = {
        name: {path.name for path in folder.iterdir()} - {"command.py"}
        for name, folder in folders.items()
    }
    first, *others = files.values()
    assert all(names == first for names in others), files


@pytest.mark.quick
@pytest.mark.parametrize(
    "path",
    sorted(path for part in ("options", "shared") for path in (TEMPLATE / part).rglob("*.py")),
    ids=lambda path: path.relative_to(TEMPLATE).as_posix(),
)
def test_option_code_is_plain_python(path: Path) -> None:
    """Code of a choice compiles where it lies, with no tag in it."""
    text = path.read_text(encoding="utf-8")
    assert "{%" not in text
    assert "{{" not in text
    compile(text, path, "exec")


@pytest.mark.quick
def test_every_axis_has_the_default_it_offers() -> None:
    """A default is one of the choices."""
    for axis in AXES:
        assert axis.default in {choice.value for choice in axis.choices}
