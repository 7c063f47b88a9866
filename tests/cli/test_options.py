"""The `options` and `matrix` commands."""

import json

from chatkit_scaffold.cli.options import MatrixFormat
from chatkit_scaffold.generator import questions
from tests.command import REPOSITORY, run

AXES = questions.axes(questions.read_questions(REPOSITORY))


def test_options_are_shown_with_what_they_bring() -> None:
    """`options` shows every choice, its label, what it installs and what it reads."""
    shown = run("options").stdout

    for axis in AXES:
        assert f"--{axis.key}  {axis.help}" in shown
        for choice in axis.choices:
            assert choice.label in shown
    assert "needs OPENAI_API_KEY" in shown
    assert "  * sqlite " in shown


def test_options_as_json() -> None:
    """`options --json` has the same for programs."""
    shown = json.loads(run("options", "--json").stdout)

    assert [axis["key"] for axis in shown["axes"]] == [axis.key for axis in AXES]
    assert [question["key"] for question in shown["questions"]] == ["name", "endpoint"]
    (auth,) = (axis for axis in shown["axes"] if axis["key"] == "auth")
    jwt = next(choice for choice in auth["choices"] if choice["value"] == "jwt")
    assert jwt["requirements"][0].startswith("pyjwt")
    assert {"name": "JWT_SECRET", "default": "change-me", "required": True} in jwt["variables"]


def test_matrix_forms_agree() -> None:
    """All formats list the same combinations; github's is one line."""
    text, as_json, github = (run("matrix", "--format", form.value).stdout for form in MatrixFormat)

    assert text.splitlines() == [row["name"] for row in json.loads(as_json)]
    assert json.loads(github) == {"include": json.loads(as_json)}
    assert len(github.splitlines()) == 1


def test_shards_have_every_combination_once() -> None:
    """`--shards` divides the combinations into jobs of about the same length."""
    rows = json.loads(run("matrix", "--format", "json").stdout)

    jobs = json.loads(run("matrix", "--format", "github", "--shards", "5").stdout)["include"]

    dealt = [row for job in jobs for row in job["combinations"]]
    assert sorted(row["name"] for row in dealt) == sorted(row["name"] for row in rows)
    sizes = {len(job["combinations"]) for job in jobs}
    assert max(sizes) - min(sizes) <= 1
    assert [job["name"] for job in jobs] == [f"{number} of 5" for number in range(1, 6)]


def test_no_shard_is_empty() -> None:
    """More shards than combinations leave one combination in each."""
    jobs = json.loads(run("matrix", "--format", "github", "--shards", "999").stdout)["include"]

    assert {len(job["combinations"]) for job in jobs} == {1}


def test_shards_belong_to_a_workflow() -> None:
    """`--shards` with another format, and no shards at all, are wrong use."""
    text, none = run("matrix", "--shards", "5"), run("matrix", "--format=github", "--shards=0")

    assert (text.exit_code, none.exit_code) == (2, 2)
    assert text.stderr == (
        "error: --shards 5 cannot be used with --format text\n"
        " hint: Only a workflow's matrix has jobs: add --format github.\n"
    )
    assert "--shards" in none.stderr


def test_question_that_may_not_apply_says_so() -> None:
    """`options` and help name the choice with which there are no tools to choose."""
    shown, help_ = run("options").stdout, " ".join(run("new", "--help").stdout.split())
    axes = {axis["key"]: axis for axis in json.loads(run("options", "--json").stdout)["axes"]}

    assert (
        "--tools  Which tools should the agent have, besides its own? (not with --agent echo)"
        in shown
    )
    assert "besides its own? Not with --agent echo. [default: none]" in help_
    assert axes["tools"]["not_with"] == [{"key": "agent", "value": "echo"}]
    assert axes["agent"]["not_with"] == []


def test_help_shows_the_choices() -> None:
    """`new --help` has an option for every question, with its choices and default."""
    shown = " ".join(run("new", "--help").stdout.split())

    for axis in AXES:
        assert f"--{axis.key} {'|'.join(choice.value for choice in axis.choices)}" in shown
        assert f"[default: {axis.default}]" in shown
    assert "--endpoint" in shown
    assert "--sql" not in shown


def test_unknown_format_is_wrong_use() -> None:
    """An unknown `--format` names the possible ones."""
    result = run("matrix", "--format", "xml")

    assert result.exit_code == 2
    assert "github" in result.stderr
