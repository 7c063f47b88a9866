"""`chatkit-scaffold new --template`: other templates, and other versions of one."""

import json
from pathlib import Path

import pytest

from chatkit_scaffold.generator import questions
from tests.command import (
    git,
    make_template,
    run,
)

pytestmark = pytest.mark.usefixtures("workplace")


TEMPLATES = {
    "syntax": {"copier.yml": "name: x\n", "a.txt.jinja": "{% if %}"},
    "undefined": {"copier.yml": "name: x\n", "a.txt.jinja": "{{ nobody.there }}"},
    "yaml": {"copier.yml": "name: [\n"},
    "tasks": {"copier.yml": "_tasks: ['touch made']\n"},
    "newer": {"copier.yml": "_min_copier_version: '999'\n"},
    "empty": {"copier.yml": "name: x\n"},
    "required": {"copier.yml": "colour:\n  type: str\n"},
    "type": {"copier.yml": "colour:\n  type: colour\n  default: red\n"},
}


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("syntax", "cannot be rendered: a.txt.jinja, line 1: Expected an expression"),
        ("undefined", "cannot be rendered: 'nobody' is undefined"),
        ("yaml", "cannot be rendered: "),
        ("tasks", "runs its own programs, which chatkit-scaffold never allows"),
        ("newer", "requires a newer Copier: This template requires Copier version >= 999"),
        ("empty", "creates no files"),
        ("required", "requires an answer for colour"),
        ("type", 'cannot be rendered: Unsupported type "colour" in question "colour"'),
    ],
)
def test_explains_what_is_wrong_with_another_template(
    kind: str, message: str, workplace: Path, tmp_path: Path
) -> None:
    """Any exception of Copier's becomes one sentence, and nothing is created."""
    template = make_template(tmp_path / "template", TEMPLATES[kind])

    result = run("new", "bot", f"--template={template}")

    assert result.exit_code == 2
    error, hint = result.stderr.splitlines()
    assert error.startswith("error: The template ")
    assert message in error
    assert hint.startswith(" hint: ")
    assert list(workplace.iterdir()) == []


CHOICES = """
size:
  type: str
  choices: [small, large]
  default: small
door:
  type: str
  choices:
    Wood: wood
    Steel: {value: steel, validator: "{% if size == 'small' %}Steel needs size large.{% endif %}"}
  default: wood
lock:
  type: str
  default: none
  when: "{{ door == 'steel' }}"
"""


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--data=size=huge"], "'huge' is not a valid size"),
        (["--data=door=steel"], "'steel' is not a valid door here"),
        (["--data=lock=big"], "lock does not apply with door 'wood', so it cannot be 'big'"),
        (["--data=roof=flat"], "'roof' is not a question of the template"),
        (["--store=sqlite"], "'store' is not a question of the template"),
    ],
)
def test_checks_answers_to_another_template(
    arguments: list[str], error: str, workplace: Path, tmp_path: Path
) -> None:
    """No answer to another template is dropped: it is used or rejected."""
    template = make_template(tmp_path / "template", {"copier.yml": CHOICES, "a.txt": "a"})

    result = run("new", "house", f"--template={template}", *arguments)

    assert (result.exit_code, result.stderr.splitlines()[0]) == (2, f"error: {error}")
    assert list(workplace.iterdir()) == []


def test_impossible_pair_is_refused_and_left_out(tmp_path: Path) -> None:
    """`new` gives the reason that the template declares, by which the matrix leaves it out."""
    template = make_template(tmp_path / "template", {"copier.yml": CHOICES, "a.txt": "a"})
    arguments = [f"--template={template}", "--data=door=steel"]

    refused = run("new", "house", *arguments)
    possible = run("new", "house", *arguments, "--data=size=large")

    assert refused.exit_code == 2
    assert refused.stderr.splitlines()[1] == " hint: Steel needs size large."
    assert possible.exit_code == 0, possible.output
    matrix = questions.combinations(questions.read_questions(template))
    assert {"size": "large", "door": "steel"} in matrix
    assert {"size": "small", "door": "steel"} not in matrix


def test_uses_the_requested_version(tmp_path: Path) -> None:
    """`--ref` takes a tag of another template; the default is its newest tag."""
    template = make_template(tmp_path / "template", {"copier.yml": "name: x\n", "a.txt": "old"})
    git(template, "tag", "v1")
    (template / "a.txt").write_text("new", encoding="utf-8")
    git(template, "commit", "--quiet", "--all", "--message=change")
    git(template, "tag", "v2")

    old = json.loads(run("new", "old", f"--template={template}", "--ref=v1", "--json").stdout)
    new = json.loads(run("new", "new", f"--template={template}", "--json").stdout)

    assert (old["template"]["commit"], new["template"]["commit"]) == ("v1", "v2")
    assert Path("old", "a.txt").read_text(encoding="utf-8") == "old"
    assert new["next"] == ["cd new"]
