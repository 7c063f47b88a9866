"""What can be chosen: read from `copier.yml`, listed nowhere else."""

import json
from math import prod

import pytest

from chatkit_scaffold import listing, options
from chatkit_scaffold.errors import TemplateError
from chatkit_scaffold.listing import MatrixForm, Variable
from chatkit_scaffold.options import Choice
from tests.command import REPOSITORY, run

QUESTIONS = options.read_questions(REPOSITORY)
AXES = options.axes(QUESTIONS)


@pytest.mark.quick
def test_the_matrix_is_every_combination() -> None:
    """With nothing excluded there are as many combinations as the choices multiply to."""
    found = options.combinations(QUESTIONS)

    assert len(found) == prod(len(axis.choices) for axis in AXES)
    assert len({options.combination_name(answers) for answers in found}) == len(found)


def test_impossible_pairs_are_left_out() -> None:
    """Copier's own way of disabling a choice takes its combinations out of the matrix."""
    questions = options.parse_questions(
        {
            "size": {"choices": ["small", "large"]},
            "door": {
                "choices": {
                    "Wood": "wood",
                    "Steel": {
                        "value": "steel",
                        "validator": "{% if size == 'small' %}too heavy{% endif %}",
                    },
                }
            },
        }
    )

    names = [options.combination_name(answers) for answers in options.combinations(questions)]

    assert names == ["small-wood", "large-wood", "large-steel"]


def test_a_question_that_does_not_apply_is_left_out() -> None:
    """A combination has no answer to a question whose `when` is false for it."""
    questions = options.parse_questions(
        {
            "door": {"choices": ["none", "steel"]},
            "lock": {
                "choices": [["A bolt", "bolt"], ["A key", "key"]],
                "when": "{{ door != 'none' }}",
            },
        }
    )

    assert options.combinations(questions) == [
        {"door": "none"},
        {"door": "steel", "lock": "bolt"},
        {"door": "steel", "lock": "key"},
    ]


def test_questions_keep_what_copier_knows() -> None:
    """Help, labels and defaults are read; computed answers are no questions."""
    store = next(question for question in QUESTIONS if question.key == "store")
    asked = [question.key for question in QUESTIONS if question.asked]

    assert store.choices[0] == Choice("memory", "Memory, lost at restart (for demos and tests)")
    assert store.default == "sqlite"
    assert asked == ["name", "store", "agent", "auth", "endpoint"]


def test_a_missing_file_is_one_error(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A template without `copier.yml` is told as such."""
    folder = tmp_path_factory.mktemp("empty")

    with pytest.raises(TemplateError, match="cannot be read"):
        options.read_questions(folder)


def test_the_defaults_need_nothing() -> None:
    """The backend somebody gets without a word runs with no key and no service."""
    needed = [
        variable.name
        for axis in AXES
        for variable in listing.variables(REPOSITORY, axis.key, str(axis.default))
        if variable.required
    ]

    assert needed == []


def test_variables_tell_what_must_be_set() -> None:
    """A line of `env.example` is required, a commented one is not."""
    found = listing.variables(REPOSITORY, "agent", "openai")

    assert [variable.name for variable in found if variable.required] == ["OPENAI_API_KEY"]
    assert Variable("CHAT_MODEL", found[1].default, required=False) in found


def test_options_are_shown_with_what_they_bring() -> None:
    """`options` names every choice, its cost, what it installs and what it reads."""
    shown = run("options").stdout

    for axis in AXES:
        assert f"--{axis.key}  {axis.help}\n" in shown
        for choice in axis.choices:
            assert choice.label in shown
    assert "needs OPENAI_API_KEY" in shown
    assert "  * sqlite " in shown


def test_options_as_json() -> None:
    """`options --json` says the same to machines."""
    shown = json.loads(run("options", "--json").stdout)

    assert [axis["key"] for axis in shown["axes"]] == [axis.key for axis in AXES]
    assert [question["key"] for question in shown["questions"]] == ["name", "endpoint"]
    jwt = next(choice for choice in shown["axes"][2]["choices"] if choice["value"] == "jwt")
    assert jwt["requirements"][0].startswith("pyjwt")
    assert {"name": "JWT_SECRET", "default": "change-me", "required": True} in jwt["variables"]


def test_matrix_forms_agree() -> None:
    """All three forms list the same combinations; github's is one line."""
    text, as_json, github = (run("matrix", "--format", form.value).stdout for form in MatrixForm)

    assert text.splitlines() == [row["name"] for row in json.loads(as_json)]
    assert json.loads(github) == {"include": json.loads(as_json)}
    assert len(github.splitlines()) == 1


def test_help_shows_the_choices() -> None:
    """`new --help` has an option per question, with its choices and default."""
    shown = " ".join(run("new", "--help").stdout.split())

    assert "--store memory|sqlite|postgres" in shown
    assert "[default: sqlite]" in shown
    assert "--endpoint" in shown
    assert "--sql" not in shown


def test_unknown_format_is_wrong_use() -> None:
    """An unknown `--format` names the possible ones."""
    result = run("matrix", "--format", "xml")

    assert result.exit_code == 2
    assert "github" in result.stderr
