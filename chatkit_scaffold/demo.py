"""Creates a backend with the defaults and has a conversation with it: `make demo`."""

import asyncio
import sys
import tempfile
from pathlib import Path

from chatkit_scaffold import launcher
from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.generator import source
from chatkit_scaffold.generator.project import create
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange, item_text, rows

# Never writes to a database that the environment configures.
OWN_DATABASE = {"APP_ENV": "development", "DATABASE_URL": ""}
QUESTIONS = ("Hello, is anybody there?", "Do you still know what I said?")


class DemoError(ScaffoldError):
    """The backend did not answer, or did not store the answer."""


def main() -> int:
    """Run the demo; return 0 if the backend streamed and stored both answers."""
    try:
        with tempfile.TemporaryDirectory(prefix="chatkit-demo-") as folder:
            _demonstrate(Path(folder) / "support-bot")
    except ScaffoldError as error:
        print(error.as_text(), file=sys.stderr)
        return 1
    print("The backend streamed and stored every answer.")
    print(f"Chat with one yourself: {_program()} new ../my-chat --defaults --play")
    return 0


def _program() -> str:
    """Return how to call the command from here, where it need not be on the path."""
    program = Path(sys.executable).with_name("chatkit-scaffold")
    here = Path.cwd()
    return str(program.relative_to(here) if program.is_relative_to(here) else program)


def _demonstrate(folder: Path) -> None:
    print("1. Creating a backend with the defaults")
    project = create(folder, source.choose(None, None), {}, ask=False, use_git=None)
    print(f"   {', '.join(f'{key} {value}' for key, value in project.rendered.answers.items())}")
    print("2. Installing its dependencies")
    launcher.install(folder)
    print("3. Starting it and having a conversation")
    with launcher.serve(folder, OWN_DATABASE) as server:
        thread_id, messages = asyncio.run(_converse(server.url))
    print("4. Restarting it and reading the thread")
    with launcher.serve(folder, OWN_DATABASE) as server:
        asyncio.run(_read_back(server.url, thread_id, messages))


async def _converse(url: str) -> tuple[str, list[str]]:
    """Have two turns; return the thread's id and its messages in order."""
    async with Chatkit(url) as chatkit:
        first = await chatkit.create_thread(QUESTIONS[0])
        messages = _show_turn(QUESTIONS[0], first)
        if first.thread_id is None:
            raise DemoError("The backend created no thread", hint=f"It sent: {first.got}")
        second = await chatkit.say(first.thread_id, QUESTIONS[1])
        return first.thread_id, messages + _show_turn(QUESTIONS[1], second)


def _show_turn(question: str, exchange: Exchange) -> list[str]:
    """Print a turn with the deltas of its answer; return both messages."""
    print(f"   you:     {question}")
    print(f"   backend: {'|'.join(exchange.deltas)}")
    if not exchange.ok or not exchange.text:
        raise DemoError(f"The backend did not answer {question!r}", hint=f"It sent: {exchange.got}")
    return [question, exchange.text]


async def _read_back(url: str, thread_id: str, messages: list[str]) -> None:
    async with Chatkit(url) as chatkit:
        stored = await chatkit.call("threads.get_by_id", thread_id=thread_id)
    texts = [text for item in rows(stored.json, "items", "data") if (text := item_text(item))]
    for text in texts:
        print(f"   stored:  {text}")
    if texts != messages:
        raise DemoError(f"The thread has {texts}, not {messages}", hint=f"It sent: {stored.got}")


if __name__ == "__main__":
    sys.exit(main())
