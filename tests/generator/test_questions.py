"""The questions of `copier.yml`, their choices, and the combinations of those."""

import pytest

from chatkit_scaffold.errors import TemplateError
from chatkit_scaffold.generator import choices, questions
from chatkit_scaffold.generator.choices import Variable
from chatkit_scaffold.generator.questions import Choice
from tests.command import REPOSITORY
from tests.covering import all_pairs

QUESTIONS = questions.read_questions(REPOSITORY)
AXES = questions.axes(QUESTIONS)


@pytest.mark.quick
def test_the_matrix_is_every_combination() -> None:
    """Most axes multiply to the number of combinations; the echo has no tools to choose."""
    sizes = {axis.key: len(axis.choices) for axis in AXES}

    found = questions.matrix(QUESTIONS)

    agents_with_tools = 1 + (sizes["agent"] - 1) * sizes["tools"]
    assert len(found) == sizes["store"] * agents_with_tools * sizes["auth"]
    assert len({questions.combination_name(answers) for answers in found}) == len(found)


def test_axes_that_take_turns() -> None:
    """They add no combination, and any two choices meet all the same."""
    sizes = {"store": 4, "agent": 4, "auth": 5, "frontend": 3, "host": 2}
    choices = {
        axis: {"choices": [f"{axis}{n}" for n in range(size)]} for axis, size in sizes.items()
    }
    parsed = questions.parse_questions({"_in_turn": ["frontend", "host"], **choices})

    found = questions.matrix(parsed)

    assert len(found) == 4 * 4 * 5
    assert all_pairs(found) == all_pairs(questions.combinations(parsed))


def test_impossible_pairs_are_left_out() -> None:
    """A choice that Copier would disable is in no combination of the matrix."""
    parsed = questions.parse_questions(
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

    names = [questions.combination_name(answers) for answers in questions.combinations(parsed)]

    assert names == ["small-wood", "large-wood", "large-steel"]


def test_a_question_that_does_not_apply_is_left_out() -> None:
    """A combination has no answer to a question whose `when` is false."""
    parsed = questions.parse_questions(
        {
            "door": {"choices": ["none", "steel"]},
            "lock": {
                "choices": [["A bolt", "bolt"], ["A key", "key"]],
                "when": "{{ door != 'none' }}",
            },
        }
    )

    assert questions.combinations(parsed) == [
        {"door": "none"},
        {"door": "steel", "lock": "bolt"},
        {"door": "steel", "lock": "key"},
    ]


def test_questions_keep_what_copier_knows() -> None:
    """Help, labels and defaults are read; computed answers are not asked."""
    store = next(question for question in QUESTIONS if question.key == "store")
    asked = [question.key for question in QUESTIONS if question.asked]

    assert Choice("memory", "Memory, lost on restart (for demos and tests)") in store.choices
    assert store.default == "sqlite"
    assert asked == ["name", "store", "agent", "tools", "auth", "frontend", "endpoint"]


def test_a_missing_file_is_one_error(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A template without `copier.yml` is one error that names it."""
    folder = tmp_path_factory.mktemp("empty")

    with pytest.raises(TemplateError, match="cannot be read"):
        questions.read_questions(folder)


@pytest.mark.parametrize(
    "choice", [choice for axis in AXES for choice in axis.choices], ids=lambda choice: choice.value
)
def test_labels_fit_a_terminal(choice: Choice) -> None:
    """A prompt shows a label behind three characters, on 80 columns."""
    assert len(choice.label) <= 76


def test_the_defaults_require_nothing() -> None:
    """The backend made from the defaults runs without a key and without a service."""
    needed = [
        variable.name
        for axis in AXES
        for variable in choices.variables(REPOSITORY, axis.key, str(axis.default))
        if variable.required
    ]

    assert needed == []


def test_variables_are_required_or_optional() -> None:
    """An assignment in `env.example` is required, a commented one is optional."""
    found = choices.variables(REPOSITORY, "agent", "openai")

    assert [variable.name for variable in found if variable.required] == ["OPENAI_API_KEY"]
    assert Variable("CHAT_MODEL", found[1].default, required=False) in found
