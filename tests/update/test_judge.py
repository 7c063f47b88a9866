"""What the matrix of updates would notice: each kind of damage, and none where there is none."""

from dataclasses import replace

import pytest

from tests.update.judge import Case, Files, problems

pytestmark = pytest.mark.quick

OLD = {"app/a.py": "one = 1\n\n\ntwo = 2\n", "app/b.py": "from app.a import one\n"}
MINE = {**OLD, "app/a.py": "one = 10\n\n\ntwo = 2\n"}
NEW = {**OLD, "app/a.py": "one = 1\n\n\ntwo = 20\n"}
WANTED = {**OLD, "app/a.py": "one = 10\n\n\ntwo = 20\n"}
RIGHT = Case(OLD, MINE, NEW, WANTED, WANTED, (), frozenset(), {})

MARKED = "<<<<<<< yours\none = 10\n=======\none = 5\n>>>>>>> new\n\n\ntwo = 2\n"
"""A conflict between the user's edit and a template that changes the same line."""
TOUCHING = replace(
    RIGHT,
    new={**OLD, "app/a.py": "one = 5\n\n\ntwo = 2\n"},
    result={**OLD, "app/a.py": MARKED},
    conflicts=frozenset({"app/a.py"}),
)


def with_a(text: str) -> Files:
    """Return a result in which one file is different."""
    return {**WANTED, "app/a.py": text}


@pytest.mark.parametrize("case", [RIGHT, TOUCHING], ids=["merged", "conflict"])
def test_a_right_result_has_no_problem(case: Case) -> None:
    """Also if there is a conflict where both sides changed a line."""
    assert problems(case) == []


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        (replace(RIGHT, result=NEW), "app/a.py differs: -one = 10 | +one = 1"),
        (replace(RIGHT, result=MINE), "app/a.py differs: -two = 20 | +two = 2"),
        (replace(RIGHT, result={"app/a.py": WANTED["app/a.py"]}), "app/b.py is missing"),
        (replace(RIGHT, result={**WANTED, "c.rej": ""}), "c.rej is left over"),
        (replace(RIGHT, result={**WANTED, "c": ""}), "c should not be there"),
        (replace(RIGHT, result=with_a("two = 20\n")), "app/b.py imports one of app.a, which"),
        (replace(RIGHT, result=with_a(MARKED)), "app/a.py has a marker, and is not listed"),
        (
            replace(RIGHT, conflicts=frozenset({"app/a.py"})),
            "app/a.py is in conflict although no changed lines touch",
        ),
        (
            replace(TOUCHING, result=with_a(MARKED.replace("one = 10\n", ""))),
            "app/a.py lacks what the user has added: one = 10",
        ),
        (
            replace(TOUCHING, result=with_a(MARKED.replace("one = 5\n", ""))),
            "app/a.py lacks what the template has added: one = 5",
        ),
    ],
)
def test_damage_is_noticed(case: Case, problem: str) -> None:
    """The problem names the file, and what is wrong with it."""
    assert any(found.startswith(problem) for found in problems(case)), problems(case)


def test_an_import_of_a_missing_module_is_noticed() -> None:
    """A marker in the file that has it makes it the user's decision."""
    gone = {"app/b.py": OLD["app/b.py"]}
    case = replace(RIGHT, old=gone, mine=gone, new=gone, result=gone, wanted=gone)

    assert problems(case) == ["app/b.py imports app.a, which does not exist"]
