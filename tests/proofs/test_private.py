"""Logs name requests, and contain no secret, credentials or message; a leak would be noticed."""

import asyncio
import shutil
from contextlib import closing

import psycopg
import pytest
from llmock.pytest_plugin import LLMock

from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange
from chatkit_scaffold.verify import credentials
from tests.conftest import Environment, Services, secrets_in
from tests.matrix import Project, the
from tests.proofs.projects import serve, with_projects

PRIVATE = "the heron flies at dawn"
"""Is part of everything that the user writes."""

LEAK = """
    from app.logs import log
    log.info("received", request=str(parsed), sent_with=str(request.headers))
    log.info("settings", key=settings.openai_api_key.get_secret_value())
"""
"""Lines that a tired developer might add to the endpoint."""

OWN_TESTS = ("tests/test_protocol.py", "-k", "test_first_message_creates_a_thread")

pytestmark = with_projects(the(store="postgres", agent="openai", auth="jwt"))


def test_log_names_requests_and_nothing_private(
    installed: Project, environment_of: Environment, services: Services
) -> None:
    """Every request is in the log with its id, user and operation, whatever went wrong."""
    environment = environment_of(installed) | {"LOG_FORMAT": "json"}
    with serve(installed.path, environment) as server:
        headers = credentials(installed.path, server, "ada")
        exchanges = asyncio.run(use(server.url, headers, environment, services))
        server.stop()  # The last request is logged after its response.
        log = server.output()
    assert PRIVATE not in log
    assert secrets_in(log, environment) == []
    for exchange in exchanges:
        assert f'"request_id": "{exchange.headers["x-request-id"]}"' in log, exchange.sent
    assert '"user": "ada"' in log
    for named in ("threads.create", "threads.add_user_message", "items.feedback", "model failed"):
        assert f'"{named}"' in log


def test_leak_fails_the_projects_own_tests(installed: Project) -> None:
    """A log with messages, credentials and secrets is an error of each test that wrote it."""
    leaky = Project(installed.name, installed.path.with_name("leaky"), installed.answers)
    shutil.copytree(installed.path, leaky.path, ignore=shutil.ignore_patterns(".venv"))
    (leaky.path / ".venv").symlink_to(installed.path / ".venv")
    routes = leaky.path / "app" / "routes.py"
    text = routes.read_text(encoding="utf-8")
    assert text.count("\n    request.state.operation = ") == 1
    text = text.replace("\n    request.state.operation = ", f"{LEAK}    request.state.operation = ")
    routes.write_text(text, encoding="utf-8")
    with pytest.raises(pytest.fail.Exception, match="private_texts") as failed:
        leaky.run("pytest", "-p", "no:cacheprovider", "-vv", *OWN_TESTS)
    for found in ("'Hello there'", "'sk-local'", "'Bearer eyJ", "'eyJ"):
        assert found in str(failed.value)


async def use(
    url: str, headers: dict[str, str], environment: dict[str, str], services: Services
) -> list[Exchange]:
    """Send requests that succeed and requests that fail, each with something private."""
    model: object = services("agent", "openai")
    assert isinstance(model, LLMock)
    async with Chatkit(url, headers=headers) as chatkit:
        created = await chatkit.create_thread(PRIVATE)
        thread_id, answer = created.thread_id, created.items[-1]
        assert thread_id is not None, created.got
        await chatkit.call("threads.update", thread_id=thread_id, title=PRIVATE)
        await chatkit.call(
            "items.feedback", thread_id=thread_id, item_ids=[answer["id"]], kind="positive"
        )
        await chatkit.send_raw(f'{{"type": "{PRIVATE}"}}'.encode())
        await chatkit.send_raw(PRIVATE.encode())
        await chatkit.say(PRIVATE, PRIVATE)
        await chatkit.request("threads.list", headers={"authorization": f"Bearer {PRIVATE}"})
        await chatkit.call("threads.custom_action", thread_id=thread_id, action={"type": PRIVATE})
        model.fail(401, message=f"Wrong: {environment['OPENAI_API_KEY']}", times=None)
        await chatkit.say(thread_id, PRIVATE)
        model.reset()
        with closing(psycopg.connect(environment["DATABASE_URL"], autocommit=True)) as database:
            database.execute("ALTER TABLE items RENAME TO away")
            await chatkit.say(thread_id, PRIVATE)
            database.execute("ALTER TABLE away RENAME TO items")
        following = await chatkit.say(thread_id, PRIVATE)
        assert following.text, following.got
        return chatkit.journal.exchanges
