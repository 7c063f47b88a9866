"""The front end `react`, with every authentication: clean, built, and in front of its backend."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from chatkit_scaffold import launcher
from chatkit_scaffold.generator import questions
from tests.conftest import Environment
from tests.matrix import QUESTIONS, the
from tests.template.how_to import MakeProject, patched
from tests.template.markdown import blocks
from tests.template.react_workshop import PACKAGE, ReactWorkshop

pytestmark = pytest.mark.xdist_group("react")

BADGE = Path(__file__).parent / "made_up" / "auth" / "badge" / "react.tsx"
CDN = "https://cdn.platform.openai.com"

(AUTH,) = (axis for axis in questions.axes(QUESTIONS) if axis.key == "auth")
AUTHS = [choice.value for choice in AUTH.choices]
every_auth = pytest.mark.parametrize("auth", AUTHS)

CREATE = {
    "type": "threads.create",
    "params": {
        "input": {
            "content": [{"type": "input_text", "text": "Hi"}],
            "attachments": [],
            "inference_options": {},
        }
    },
}


@pytest.fixture(scope="session")
def workshop(generate: MakeProject, tmp_path_factory: pytest.TempPathFactory) -> ReactWorkshop:
    """A project with each authentication, one with the made-up one, and one with client tools."""
    workshop = ReactWorkshop.install(Path(tmp_path_factory.mktemp("react")), PACKAGE)
    for auth in AUTHS:
        workshop.add(generate(the(auth=auth, frontend="react")), auth)
    workshop.add(generate(the(agent="openai", frontend="react")), "openai")
    badge = workshop.add(generate(the(frontend="react")), "badge")
    shutil.copy(BADGE, badge / "web" / "src" / "auth.tsx")
    return workshop


Serve = Callable[[str], Any]


@pytest.fixture
def serve(
    workshop: ReactWorkshop,
    generate: MakeProject,
    environment_of: Environment,
    shared_python: Path,
) -> Serve:
    """Return a function that serves the project with an authentication."""

    def serving(auth: str) -> Any:
        environment = environment_of(generate(the(auth=auth, frontend="react")))
        return launcher.serve(workshop.folder / auth, environment, python=shared_python)

    return serving


@pytest.fixture(scope="session")
def built(workshop: ReactWorkshop) -> Callable[[str], Path]:
    """Return a function that builds the page with an authentication, and returns its folder."""

    def build(auth: str) -> Path:
        web = workshop.folder / auth / "web"
        if not (web / "dist").exists():
            workshop.tool("vite", "build", folder=web)
        return web / "dist"

    return build


def test_code_is_clean(workshop: ReactWorkshop) -> None:
    """TypeScript, ESLint and Prettier find nothing, run as the README says.

    All that differs between the pages is in one: reading the libraries' types takes the time.
    """
    web = workshop.folder / "all" / "web"
    shutil.copytree(workshop.folder / "openai" / "web", web)
    for name in (*AUTHS, "badge"):
        for file in ("auth.tsx", "Chat.tsx"):
            page = workshop.folder / name / "web" / "src"
            shutil.copy(page / file, web / "src" / f"{name}_{file}")
    for script in ("lint", "format:check", "build"):  # the last one begins with `typecheck`
        workshop.npm("run", script, folder=web)
    assert (web / "dist" / "index.html").is_file()
    workshop.tool("prettier", "--check", *(f"{name}/web" for name in AUTHS), "!**/dist")


def test_what_is_wrong_is_found(workshop: ReactWorkshop) -> None:
    """ESLint knows the types and React's rules, Prettier its settings, and TypeScript ChatKit's."""
    web = workshop.folder / "wrong" / "web"
    shutil.copytree(workshop.folder / "none" / "web", web, ignore=shutil.ignore_patterns("dist"))
    chat = web / "src" / "Chat.tsx"
    text = chat.read_text(encoding="utf-8").replace("retry: true", "retries: true")
    text = text.replace("  const [ready", '  fetch("/");\n  const [ready', 1)
    chat.write_text(text.replace(";\n", "\n", 1), encoding="utf-8")

    assert "no-floating-promises" in workshop.complaints("eslint", folder=web)
    assert "'retries' does not exist" in workshop.complaints("tsc", folder=web)
    workshop.complaints("prettier", "--check", "src/Chat.tsx", folder=web)


def test_how_tos_change_the_page(workshop: ReactWorkshop) -> None:
    """Every change that a how-to makes to the page compiles."""
    project = workshop.folder / "changed"
    shutil.copytree(workshop.folder / "openai", project)
    how_to = (project / "docs" / "how-to.md").read_text(encoding="utf-8")
    changes = [block for block in blocks(how_to) if block.path.startswith("web/")]
    assert {change.path for change in changes} == {"web/src/Chat.tsx", "web/src/clientTools.ts"}
    for change in changes:
        path = project / change.path
        path.write_text(patched(path.read_text(encoding="utf-8"), change.text), encoding="utf-8")
    workshop.tool("tsc", folder=project / "web")


@every_auth
def test_backend_serves_the_build(auth: str, built: Callable[[str], Path], serve: Serve) -> None:
    """All that the page loads comes, is allowed by its policy, and is none of it inline."""
    html = (built(auth) / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<style|\sstyle=|\son\w+=", html) == []
    assert re.findall(r"<script(?:(?!src=)[^>])*>", html) == []
    loaded = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert [url for url in loaded if url.startswith("http")] == [
        f"{CDN}/deployments/chatkit/chatkit.js"
    ]
    with serve(auth) as backend, httpx.Client(trust_env=False) as browser:
        page = browser.get(urljoin(backend.url, "/"))
        assert page.text == html
        assert f"script-src 'self' {CDN};" in page.headers["content-security-policy"]
        assets = [browser.get(urljoin(backend.url, path)) for path in loaded if path[0] == "/"]
    assert [asset.headers["content-type"].partition(";")[0] for asset in assets] == [
        "text/javascript",
        "text/css",
    ]
    assert all("immutable" in asset.headers["cache-control"] for asset in assets)


@every_auth
def test_development_server_reaches_the_backend(
    auth: str, workshop: ReactWorkshop, serve: Serve
) -> None:
    """The page signs in and sends a message through it; a page of another site is refused."""
    with (
        serve(auth) as backend,
        workshop.development_server(workshop.folder / auth, backend) as url,
        httpx.Client(base_url=url, trust_env=False, headers={"Origin": url}) as browser,
    ):
        sign_in(browser, auth)
        answer = browser.post("/chatkit", json=CREATE)
        assert (answer.status_code, "thread.created" in answer.text) == (200, True)
        assert browser.get("/chatkit/health").json() == {"status": "ok"}
        refused = browser.post("/chatkit", json=CREATE, headers={"Origin": "https://evil.example"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "origin_not_allowed")


def sign_in(browser: httpx.Client, auth: str) -> None:
    """Do what the page's `auth.tsx` does at its start."""
    match auth:
        case "guest":
            assert browser.post("/auth/guest").status_code == 200
        case "session":
            account = {"email": "ada@example.com", "password": "correct horse"}
            assert browser.get("/auth/me").status_code == 401
            assert browser.post("/auth/register", json=account).status_code == 201
        case "jwt" | "oidc":
            answer = browser.post("/dev/token", headers={"Sec-Fetch-Site": "same-origin"})
            browser.headers["Authorization"] = f"Bearer {answer.json()['token']}"


CHATKIT = ["/chatkit", {"accept-language": "de"}]
GUEST = ["/auth/guest", {}]
TOKEN = ["/dev/token?user=bob", {}]


def with_token(number: int) -> list[object]:
    """Return ChatKit's request with the token of an earlier one."""
    return ["/chatkit", {"accept-language": "de", "authorization": f"Bearer token-{number}"}]


@pytest.mark.parametrize(
    ("auth", "refusals", "status", "calls"),
    [
        ("none", 9, 401, [CHATKIT]),
        ("session", 9, 401, [CHATKIT]),
        ("guest", 0, 200, [GUEST, CHATKIT]),
        ("guest", 1, 200, [GUEST, CHATKIT, GUEST, CHATKIT]),
        ("guest", 9, 401, [GUEST, CHATKIT, GUEST, CHATKIT]),
        ("jwt", 0, 200, [TOKEN, with_token(1)]),
        ("jwt", 1, 200, [TOKEN, with_token(1), TOKEN, with_token(3)]),
        ("oidc", 9, 401, [TOKEN, with_token(1), TOKEN, with_token(3)]),
    ],
)
def test_refused_request_is_sent_once_more(
    workshop: ReactWorkshop, auth: str, refusals: int, status: int, calls: list[object]
) -> None:
    """With a new identity or token, and never twice; ChatKit's own headers are kept."""
    answered = workshop.authorized(workshop.folder / auth, refusals=refusals)
    assert answered == {"status": status, "calls": calls}
