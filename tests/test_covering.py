"""The combinations that stand for all of them."""

from itertools import product

import pytest

from chatkit_scaffold.generator import questions
from tests.covering import Answers, all_pairs, covering, every_choice

AXES = {
    "store": ["memory", "sqlite", "postgres", "redis"],
    "agent": ["echo", "openai", "compatible", "langgraph"],
    "tools": ["none", "mcp"],
    "auth": ["none", "guest", "jwt", "oidc", "session"],
}


def of_two_axes() -> list[Answers]:
    """Return combinations of two axes only, of which each is a pair."""
    return [{"store": store, "auth": auth} for store, auth in product(AXES["store"], AXES["auth"])]


def with_a_question_that_may_not_apply() -> list[Answers]:
    """Return combinations in which one agent has no tools."""
    return questions.combinations(
        questions.parse_questions(
            {
                axis: {
                    "choices": choices,
                    "when": "{{ agent != 'echo' }}" if axis == "tools" else True,
                }
                for axis, choices in AXES.items()
            }
        )
    )


def without_a_pair() -> list[Answers]:
    """Return combinations in which two choices never meet."""
    return [
        answers
        for answers in with_a_question_that_may_not_apply()
        if (answers["store"], answers["auth"]) != ("memory", "session")
    ]


@pytest.mark.parametrize(
    "possible",
    [of_two_axes(), with_a_question_that_may_not_apply(), without_a_pair()],
    ids=["two axes", "a question that may not apply", "an impossible pair"],
)
def test_every_possible_pair_is_covered(possible: list[Answers]) -> None:
    """The set is part of the combinations, and has every pair that they have."""
    chosen = covering(possible)

    assert all(answers in possible for answers in chosen)
    assert all_pairs(chosen) == all_pairs(possible)


def test_few_combinations_are_enough() -> None:
    """Twenty are needed, one for each store and authentication; the set has hardly more."""
    possible = with_a_question_that_may_not_apply()

    assert len(possible) == 140
    assert 20 <= len(covering(possible)) <= 22


def test_every_choice_is_in_one_of_few() -> None:
    """Five combinations have every choice of an axis with five."""
    possible = with_a_question_that_may_not_apply()

    chosen = every_choice(possible)

    assert len(chosen) == 5
    assert {pair for answers in chosen for pair in answers.items()} == {
        (axis, choice) for axis, choices in AXES.items() for choice in choices
    }
