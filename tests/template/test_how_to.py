"""Every how-to of a generated project does what it promises."""

import re

import jinja2
import pytest

from chatkit_scaffold.generator import questions
from tests.command import REPOSITORY
from tests.matrix import COMBINATIONS, DEFAULTS
from tests.template.how_to import COMPONENT, MakeProject, OpenWorkshop, patched
from tests.template.markdown import blocks, sections
from tests.template.page_project import PageProject

JINJA = jinja2.Environment(autoescape=False, loader=jinja2.FileSystemLoader(REPOSITORY))  # noqa: S701

Answers = dict[str, str]


def how_tos(file: str, answers: Answers) -> dict[str, str]:
    """Return the how-tos in a file of the template by their titles."""
    return sections(JINJA.get_template(f"template/{file}").render(DEFAULTS | answers))


def all_how_tos(answers: Answers) -> dict[str, str]:
    """Return the how-tos of a project by their titles."""
    return how_tos("project/docs/how-to.md.jinja", answers)


def proofs_in(answers: Answers) -> set[tuple[str, str]]:
    """Return what a project can prove: a how-to with the choice that it depends on, or the agent.

    A how-to that every project has is proven with every agent.
    """
    own = {
        title: answers[axis]
        for axis in ("store", "tools")
        if axis in answers
        for title in how_tos(f"options/{axis}/{answers[axis]}/how-to.md", answers)
    }
    return {
        (title, own.get(title, answers["agent"]))
        for title, text in all_how_tos(answers).items()
        if not only_page(text)
    }


def proofs() -> list[object]:
    """Return a parameter for each proof, in as few projects as possible."""
    possible = {questions.combination_name(a): proofs_in(a) for a in reversed(COMBINATIONS)}
    missing = {proof for found in possible.values() for proof in found}
    parameters: list[object] = []
    while missing:
        name = max(possible, key=lambda name: len(possible[name] & missing))
        parameters += [
            pytest.param(name, title, id=f"{name}-{slug(title)}", marks=group(name))
            for title, _ in sorted(possible[name] & missing)
        ]
        missing -= possible[name]
    return parameters


def component_changes() -> list[object]:
    """Return a parameter for each change to the page's component, with each authentication."""
    changes = {
        (answers["auth"], title): (questions.combination_name(answers), block.text)
        for answers in COMBINATIONS
        for title, text in all_how_tos(answers).items()
        for block in blocks(text)
        if block.path == COMPONENT
    }
    return [
        pytest.param(*change, id=f"{auth}-{slug(title)}", marks=group("page"))
        for (auth, title), change in changes.items()
    ]


def group(name: str) -> pytest.MarkDecorator:
    """Return the mark of tests that one worker runs, because they share what takes long."""
    return pytest.mark.xdist_group(name)


def only_page(text: str) -> bool:
    """Return whether a how-to changes nothing but the page."""
    return all(block.path == COMPONENT or block.path.startswith("web/") for block in blocks(text))


def slug(title: str) -> str:
    """Return a title as a part of a test's name."""
    return re.sub(r"[^a-z]+", "-", title.lower())


@pytest.mark.parametrize(("name", "title"), proofs())
def test_how_to(open_workshop: OpenWorkshop, name: str, title: str) -> None:
    """After its steps the project's linters find nothing, and its own test passes."""
    workshop = open_workshop(name)
    page = (workshop.folder / "docs" / "how-to.md").read_text(encoding="utf-8")
    workshop.follow(sections(page)[title])
    workshop.lint()


@pytest.mark.quick
@pytest.mark.parametrize("answers", COMBINATIONS, ids=questions.combination_name)
def test_how_to_ends_with_its_test(answers: Answers) -> None:
    """The last step runs the tests that the how-to adds or changes."""
    for text in all_how_tos(answers).values():
        *steps, last = blocks(text)
        tests = [step.path for step in steps if step.path.startswith("tests/")]
        assert only_page(text) or last.text.startswith("uv run pytest tests/")
        assert all(test in last.text for test in tests)


@pytest.mark.parametrize(("name", "change"), component_changes())
def test_component_still_compiles(
    page: PageProject, generate: MakeProject, name: str, change: str
) -> None:
    """TypeScript finds nothing wrong with the README's component after the change."""
    readme = blocks((generate(name).path / "README.md").read_text(encoding="utf-8"))
    (component,) = [block.text for block in readme if block.path == COMPONENT]
    assert page.compile(patched(component, change)) == ""


@pytest.mark.quick
@pytest.mark.parametrize(
    ("diff", "reason"),
    [
        (" beta\n+new\n", "found 2 times"),
        (" alpha\n-gamma\n", "found 0 times"),
        ("-lpha\n", "found 0 times"),
        ("+new\n", "has no place"),
    ],
)
def test_diff_that_does_not_fit_is_refused(diff: str, reason: str) -> None:
    """Its lines must be found exactly once, and as whole lines."""
    with pytest.raises(AssertionError, match=reason):
        patched("alpha\nbeta\nbeta\n", diff)


@pytest.mark.quick
def test_diff_changes_what_it_shows() -> None:
    """Every part is applied, and the other lines stay."""
    text = "one\n\ntwo\nthree\n    four\n"
    diff = " one\n\n-two\n+2\n@@\n-    four\n+    4\n"
    assert patched(text, diff) == "one\n\n2\nthree\n    4\n"
