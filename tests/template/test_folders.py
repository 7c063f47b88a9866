"""The template keeps to its own rules: every question is used, and choices are alike."""

import re
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from chatkit_scaffold.generator import questions
from chatkit_scaffold.generator.choices import variables
from tests.command import REPOSITORY
from tests.matrix import QUESTIONS, facts

TEMPLATE = REPOSITORY / "template"
JINJA = Environment(autoescape=True)
AXES = questions.axes(QUESTIONS)
CHOICES = [(axis.key, choice.value) for axis in AXES for choice in axis.choices]


def code_of(choice: tuple[str, str]) -> list[Path]:
    """Return the Python files and the variables of a choice."""
    folder = TEMPLATE.joinpath("options", *choice)
    return [*folder.glob("*.py"), folder / "env.example"]


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
def test_choices_are_folders_with_the_same_files(axis: questions.Question) -> None:
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
def test_choices_say_the_same_things() -> None:
    """`choice.yml` has the same keys for every choice, in the same order."""
    keys = {choice: list(facts(*choice)) for choice in CHOICES}
    assert all(found == keys[CHOICES[0]] for found in keys.values()), keys


@pytest.mark.quick
@pytest.mark.parametrize("choice", CHOICES, ids="-".join)
def test_facts_agree_with_the_folder(choice: tuple[str, str]) -> None:
    """A choice has secrets if its variables need one, and a command if there is a module for it."""
    found = facts(*choice)
    assert found["secrets"] == any(variable.required for variable in variables(REPOSITORY, *choice))
    assert found["summary"]
    own = TEMPLATE.joinpath("options", *choice, "command.py")
    shared = TEMPLATE / "shared" / "commands" / f"{found['command']}.py"
    assert bool(found["command"]) == (own.exists() or shared.exists())


@pytest.mark.quick
@pytest.mark.parametrize("choice", CHOICES, ids="-".join)
def test_words_are_in_the_folder(choice: tuple[str, str]) -> None:
    """The words that give a choice away in other projects are words of its own files."""
    texts = [path.read_text(encoding="utf-8") for path in code_of(choice)]
    assert any(re.search(facts(*choice)["words"], text, re.IGNORECASE) for text in texts)


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
    assert re.fullmatch(r"\{%- include [^%]* -%\}", tag), tag


@pytest.mark.quick
def test_every_axis_has_the_default_it_offers() -> None:
    """A default is one of the choices."""
    for axis in AXES:
        assert axis.default in {choice.value for choice in axis.choices}
