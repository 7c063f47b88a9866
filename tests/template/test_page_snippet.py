"""The component in a project's README: it compiles, and it signs the user in."""

import ast
import re
from textwrap import indent

import pytest

from chatkit_scaffold.generator import questions
from tests.matrix import DEFAULT, QUESTIONS, Project
from tests.template.markdown import Block, blocks
from tests.template.page_project import PageProject

GROUP = pytest.mark.xdist_group("page")

pytestmark = GROUP


def with_auth(*names: str) -> pytest.MarkDecorator:
    """Run a test on the default project with each of these kinds of authentication."""
    answers = [pytest.param({**DEFAULT, "auth": name}, id=name, marks=GROUP) for name in names]
    return pytest.mark.parametrize("project", answers, indirect=True)


(AUTH,) = (axis for axis in questions.axes(QUESTIONS) if axis.key == "auth")
every_auth = with_auth(*(choice.value for choice in AUTH.choices))


@pytest.fixture
def component(project: Project) -> str:
    """The component in the project's README."""
    (block,) = [block for block in readme_blocks(project) if block.language == "tsx"]
    assert block.path == "Chat.tsx"
    return block.text


def readme_blocks(project: Project) -> list[Block]:
    """Return the code in the project's README."""
    return blocks((project.path / "README.md").read_text(encoding="utf-8"))


@every_auth
def test_component_compiles(page: PageProject, component: str) -> None:
    """TypeScript finds nothing wrong with it, with the strictest settings."""
    assert page.compile(component) == ""


@every_auth
@pytest.mark.parametrize(
    ("correct", "wrong", "reason"),
    [
        (r",\s+domainKey: DOMAIN_KEY", "", "'domainKey' is missing"),
        (r"control=\{control\} ", "", "'control' is missing"),
        (r"retry: true", "retries: true", "'retries' does not exist"),
    ],
)
def test_wrong_component_does_not_compile(
    page: PageProject, component: str, correct: str, wrong: str, reason: str
) -> None:
    """A component that lacks what ChatKit requires is an error."""
    assert reason in page.compile(replace(component, correct, wrong))


@every_auth
def test_start_page_shows_the_same_code(project: Project, component: str) -> None:
    """The page at `/` has the README's way to send credentials, which is the one that compiles."""
    module = ast.parse((project.path / "app" / "auth.py").read_text(encoding="utf-8"))
    (shown,) = [
        ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FETCH_EXAMPLE"
    ]
    assert indent(shown, " " * 6) in component


@with_auth("jwt")
def test_headers_that_may_be_missing_do_not_compile(page: PageProject, component: str) -> None:
    """ChatKit may call `fetch` without options."""
    wrong = replace(component, r"\(init\?\.headers\)", "({ ...init.headers })")
    assert "'init' is possibly 'undefined'" in page.compile(wrong)


@with_auth("jwt")
def test_token_is_sent_with_all_other_headers(page: PageProject, component: str) -> None:
    """The token is added to ChatKit's own headers, also where it sends none."""
    first, second = page.headers_sent(component)
    assert first["authorization"] == second["authorization"] == "Bearer the-token"
    assert first["accept-language"] == "de"


@with_auth("jwt")
def test_spread_headers_are_lost(page: PageProject, component: str) -> None:
    """Spreading compiles, but loses what a `Headers` object contains; the test above would fail."""
    wrong = replace(component, r"\(init\?\.headers\)", "({ ...init?.headers })")
    first, _ = page.headers_sent(wrong)
    assert first["accept-language"] != "de"


MESSAGE = ["/chatkit", "POST", "include"]
IDENTITY = ["/auth/guest", "POST", "include"]


@with_auth("session")
def test_cookie_is_sent_to_another_origin(page: PageProject, component: str) -> None:
    """Every request has the cookie, and nothing else is asked of the browser."""
    assert page.calls_made(component) == [MESSAGE] * 3


@with_auth("guest")
def test_guest_gets_one_identity(page: PageProject, component: str) -> None:
    """Requests at the same time share an identity; one that was not given is asked for again."""
    assert page.calls_made(component) == [IDENTITY, IDENTITY, MESSAGE, MESSAGE]


@with_auth("guest", "session")
def test_cookie_that_is_not_sent_is_noticed(page: PageProject, component: str) -> None:
    """Without `credentials` the two tests above would fail."""
    wrong = replace(
        component,
        r"fetch\(input, \{ \.\.\.init, credentials: \"include\" \}\)",
        "fetch(input, init)",
    )
    assert page.calls_made(wrong)[-1] == ["/chatkit", "POST", "same-origin"]


@every_auth
def test_readme_has_what_the_component_needs(project: Project) -> None:
    """The page loads ChatKit's script, and npm installs what the component imports."""
    found = {(block.language, block.text) for block in readme_blocks(project)}
    script = "https://cdn.platform.openai.com/deployments/chatkit/chatkit.js"
    assert ("html", f'<script src="{script}" async></script>\n') in found
    assert ("sh", "npm install @openai/chatkit-react\n") in found


def replace(text: str, pattern: str, replacement: str) -> str:
    """Replace the one piece of code that matches."""
    replaced, count = re.subn(pattern, replacement, text)
    assert count == 1
    return replaced
