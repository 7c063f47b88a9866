"""Every how-to of a generated project does what it promises."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest

from chatkit_scaffold.generator import questions
from tests.command import REPOSITORY
from tests.conftest import Environment
from tests.matrix import COMBINATIONS, Project
from tests.template.how_to import COMPONENT, Workshop, patched
from tests.template.markdown import blocks, sections
from tests.template.page_project import PageProject

JINJA = jinja2.Environment(autoescape=False, loader=jinja2.FileSystemLoader(REPOSITORY))  # noqa: S701

Answers = dict[str, str]


def how_tos(file: str, answers: Answers) -> dict[str, str]:
    """Return the how-tos in a file of the template by their titles."""
    return sections(JINJA.get_template(f"template/{file}").render(answers))


def all_how_tos(answers: Answers) -> dict[str, str]:
    """Return the how-tos of a project by their titles."""
    return how_tos("project/docs/how-to.md.jinja", answers)


def choice_to_prove(title: str, answers: Answers) -> str:
    """Return the choice that a how-to depends on; if it depends on none, the agent."""
    stores_own = how_tos(f"options/store/{answers['store']}/how-to.md", answers)
    return answers["store" if title in stores_own else "agent"]


def proofs() -> Iterator[object]:
    """Return a parameter for each how-to and each choice that it is to be proven with."""
    proven: set[tuple[str, str]] = set()
    for answers in reversed(COMBINATIONS):
        name = questions.combination_name(answers)
        for title, text in all_how_tos(answers).items():
            proof = (title, choice_to_prove(title, answers))
            if proof not in proven and not only_page(text):
                proven.add(proof)
                group = pytest.mark.xdist_group(name)
                yield pytest.param(answers, title, id=f"{name}-{slug(title)}", marks=group)


def component_changes() -> list[object]:
    """Return a parameter for each change to the page's component, with each authentication."""
    changes = {
        (answers["auth"], title): (answers, block.text)
        for answers in COMBINATIONS
        for title, text in all_how_tos(answers).items()
        for block in blocks(text)
        if block.path == COMPONENT
    }
    return [
        pytest.param(*change, id=f"{auth}-{slug(title)}", marks=pytest.mark.xdist_group("page"))
        for (auth, title), change in changes.items()
    ]


def only_page(text: str) -> bool:
    """Tell whether a how-to changes nothing but the page."""
    return all(block.path == COMPONENT for block in blocks(text))


def slug(title: str) -> str:
    """Return a title as a part of a test's name."""
    return re.sub(r"[^a-z]+", "-", title.lower())


@pytest.fixture
def workshop(installed: Project, aside: Path, environment_of: Environment) -> Workshop:
    """A copy of the project to change."""
    folder = Path(tempfile.mkdtemp(dir=aside)) / installed.name
    return Workshop.copy(installed, folder, environment_of(installed))


@pytest.mark.parametrize(("project", "title"), list(proofs()), indirect=["project"])
def test_how_to(workshop: Workshop, title: str) -> None:
    """After its steps the project's linters find nothing, and its own test passes."""
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


@pytest.mark.parametrize(("project", "change"), component_changes(), indirect=["project"])
def test_component_still_compiles(page: PageProject, project: Project, change: str) -> None:
    """TypeScript finds nothing wrong with the README's component after the change."""
    readme = blocks((project.path / "README.md").read_text(encoding="utf-8"))
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
