"""The page that the backend serves: its modules agree with the types of ChatKit's element."""

import re

import pytest

from chatkit_scaffold.generator import questions
from tests.matrix import DEFAULT, QUESTIONS, Project
from tests.template.how_to import patched
from tests.template.markdown import blocks
from tests.template.page_project import PageProject

GROUP = pytest.mark.xdist_group("page")

pytestmark = GROUP

Files = dict[str, str]


def with_auth(*names: str) -> pytest.MarkDecorator:
    """Run a test on the default project with a page and each of these kinds of authentication."""
    answers = [
        pytest.param({**DEFAULT, "auth": name, "frontend": "page"}, id=name, marks=GROUP)
        for name in names
    ]
    return pytest.mark.parametrize("project", answers, indirect=True)


(AUTH,) = (axis for axis in questions.axes(QUESTIONS) if axis.key == "auth")
every_auth = with_auth(*(choice.value for choice in AUTH.choices))


@pytest.fixture
def files(project: Project) -> Files:
    """The modules of the project's page, by name."""
    return {path.name: path.read_text("utf-8") for path in (project.path / "web").glob("*.js")}


@every_auth
def test_modules_agree_with_the_types(page: PageProject, files: Files) -> None:
    """TypeScript finds nothing wrong with them, with the strictest settings."""
    assert page.check_page(files) == ""


@with_auth("jwt")
@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("main.js", (r", domainKey: DOMAIN_KEY", ""), "'domainKey' is missing"),
        ("main.js", (r"retry: true", "retries: true"), "'retries' does not exist"),
        ("main.js", (r"detail\.error\.message", "detail.message"), "'message' does not exist"),
        ("main.js", (r"fetch: authFetch", "fetch: signIn"), "is not assignable to type"),
        ("config.js", (r'"sparkle"', '"sparkel"'), "is not assignable to type"),
        ("auth.js", (r"headers\.set\(", "headers.add("), "'add' does not exist"),
    ],
)
def test_wrong_modules_do_not_agree(
    page: PageProject, files: Files, name: str, change: tuple[str, str], reason: str
) -> None:
    """What ChatKit's element does not have is an error."""
    code, count = re.subn(*change, files[name])
    assert count == 1
    assert reason in page.check_page(files | {name: code})


@pytest.mark.parametrize(
    "project",
    [
        pytest.param({**DEFAULT, "agent": agent, "tools": "none", "frontend": "page"}, id=agent)
        for agent in ("echo", "openai")
    ],
    indirect=True,
)
def test_how_tos_agree_with_the_types(page: PageProject, project: Project, files: Files) -> None:
    """So do the changes that the how-tos make."""
    text = (project.path / "docs" / "how-to.md").read_text(encoding="utf-8")
    changes = [block for block in blocks(text) if block.path.startswith("web/")]
    assert changes
    for change in changes:
        name = change.path.removeprefix("web/")
        assert page.check_page(files | {name: patched(files[name], change.text)}) == ""


@every_auth
def test_headers_are_never_spread(files: Files) -> None:
    """ChatKit may pass a `Headers` object, of which a spread copies nothing."""
    code = "".join(files.values())
    assert "...init" not in code
    assert "content-type" not in files["main.js"].lower()
