"""The model keeps the users' to-do lists, in conversations over HTTP."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.backend import Backend
from tests.services.agent import Model

Task = dict[str, Any]

OUTPUTS = ('{\n  "id": "task_', '{\n  "tasks": ', "Error executing tool")
"""How the results of the tools begin."""


class Conversation:
    """One user's thread, in which the model does what the test says.

    Args:
        backend: Where it takes place.
        model: The model.
        user: Whose it is.
    """

    def __init__(self, backend: Backend, model: Model, user: str) -> None:
        self.client = backend.client(user)
        self._model = model
        # Gives the thread a title, with a request to the model that tests do not count on.
        self.thread_id = self.client.create_thread("Hello").thread_id
        self._older: list[Task] = []
        self._older = self.tasks()

    def use(self, tool: str, **arguments: Any) -> str:
        """Let the model call a tool, and return what it gets from the tool."""
        self._model.reset().call_tool(tool, arguments).reply("Done.", times=None)
        self.answer = self.client.say(self.thread_id, "Do it")
        assert self.answer.text == "Done."
        return results(self._model.requests[-1].body)[-1]

    def add(self, title: str, **arguments: Any) -> Task:
        """Let the model add a task, and return it."""
        task: Task = json.loads(self.use("add_task", title=title, **arguments))
        return task

    def tasks(self) -> list[Task]:
        """Let the model list the tasks; return those that this conversation has added."""
        tasks: list[Task] = json.loads(self.use("list_tasks"))["tasks"]
        return [task for task in tasks if task not in self._older]


Talk = Callable[[str], Conversation]


@pytest.fixture
def talk(backend: Backend, model: Model) -> Talk:
    """Return a function that begins a conversation of a user."""
    return lambda user: Conversation(backend, model, user)


@pytest.fixture
def two_users(backend: Backend) -> tuple[str, str]:
    """Return two users, if the authentication knows more than one."""
    if backend.headers_for("alice") == backend.headers_for("bob"):
        pytest.skip("without sign-in, there is one user")
    return "alice", "bob"


def results(body: Any) -> list[str]:
    """Return the results of tools in a request to the model, oldest first."""
    match body:
        case str():
            return [body] if body.startswith(OUTPUTS) else []
        case dict():
            return results(list(body.values()))
        case list():
            return [text for part in body for text in results(part)]
        case _:
            return []


def test_list_is_kept(talk: Talk) -> None:
    """Tasks are added, listed, completed, changed and deleted."""
    alice = talk("alice")
    tea, milk = alice.add("Tea"), alice.add("Milk", notes="2 l")
    assert alice.tasks() == [tea, milk]
    alice.use("complete_task", task_id=tea["id"])
    alice.use("update_task", task_id=milk["id"], title="Oat milk", notes="")
    assert alice.tasks() == [{**tea, "done": True}, {**milk, "title": "Oat milk", "notes": ""}]
    alice.use("delete_task", task_id=tea["id"])
    assert [task["title"] for task in alice.tasks()] == ["Oat milk"]


def test_another_conversation_has_the_same_list(talk: Talk) -> None:
    """The list is the user's, and not the thread's."""
    tea = talk("alice").add("Tea")
    assert "Tea" in talk("alice").use("complete_task", task_id=tea["id"])


def test_calls_are_shown(talk: Talk) -> None:
    """A workflow item appears when a call begins, and is still there after a reload."""
    alice = talk("alice")
    alice.use("list_tasks")
    [work] = [item for item in alice.answer.items if item["type"] == "workflow"]
    [added] = [
        event["item"]
        for event in alice.answer.of_type("thread.item.added")
        if event["item"]["type"] == "workflow"
    ]
    assert added["id"] == work["id"]
    assert [task["status_indicator"] for task in added["workflow"]["tasks"]] == ["loading"]
    assert [task["status_indicator"] for task in work["workflow"]["tasks"]] == ["complete"]
    assert work in alice.client.items(alice.thread_id)


def test_mistakes_of_the_model(talk: Talk) -> None:
    """The model can read what was wrong, and the answer continues."""
    alice = talk("alice")
    assert "There is no task with this id" in alice.use("delete_task", task_id="task_00000000")
    assert "The title may have 200 characters" in alice.use("add_task", title="x" * 201)
    assert alice.tasks() == []


def test_two_users_at_once(
    talk: Talk, two_users: tuple[str, str], backend: Backend, model: Model
) -> None:
    """What the model does for two users at the same time ends up in two lists."""
    conversations = [talk(user) for user in two_users]
    for _ in range(3):
        model.reset().call_tool("add_task", {"title": "Tea"}, times=2).reply("Done.", times=None)
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda one: one.client.say(one.thread_id, "Add it"), conversations))
    alices, bobs = [conversation.tasks() for conversation in conversations]
    assert [task["title"] for task in alices] == [task["title"] for task in bobs] == ["Tea"] * 3
    assert not {task["id"] for task in alices} & {task["id"] for task in bobs}


def test_model_that_tries_another_users_tasks(talk: Talk, two_users: tuple[str, str]) -> None:
    """The tools have no way to say whose task is meant, and ids of others are unknown."""
    alice, bob = [talk(user) for user in two_users]
    tea = alice.add("Tea")
    for tool in ("complete_task", "update_task", "delete_task"):
        tried = bob.use(tool, task_id=tea["id"], title="Mine", user="alice", user_id="alice")
        assert tried == bob.use(tool, task_id="task_00000000", title="Mine")
        assert "There is no task with this id" in tried
    bobs = bob.add("Bread", user="alice", user_id="alice")
    assert bob.tasks() == [bobs]
    assert tea["id"] not in bob.use("list_tasks", user="alice", user_id="alice")
    assert alice.tasks() == [tea]
