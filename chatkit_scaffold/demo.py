"""Makes a backend with the defaults, starts it, and holds a conversation with it: `make demo`."""

import asyncio
import sys
import tempfile
from pathlib import Path

from chatkit_scaffold import launcher
from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.generator import source
from chatkit_scaffold.generator.project import make
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange, item_text, rows

# Whatever the shell is set up for, nobody's own database is written to.
OWN_DATABASE = {"APP_ENV": "development", "DATABASE_URL": ""}
QUESTIONS = ("Hello, is anybody there?", "Do you still know what I said?")


class DemoError(ScaffoldError):
    """The backend did not answer, or did not keep the answer."""


def main() -> int:
    """Run the demonstration; return 0 only if both answers came and were stored."""
    try:
        with tempfile.TemporaryDirectory(prefix="chatkit-demo-") as folder:
            _demonstrate(Path(folder) / "support-bot")
    except ScaffoldError as error:
        print(error.as_text(), file=sys.stderr)
        return 1
    print("Every answer came, word by word, and was stored.")
    return 0


def _demonstrate(folder: Path) -> None:
    print("1. Making a backend with the defaults")
    project = make(folder, source.choose(None, None), {}, ask=False, use_git=None)
    print(f"   {', '.join(f'{key} {value}' for key, value in project.rendered.answers.items())}")
    print("2. Installing what it needs")
    launcher.install(folder)
    print("3. Starting it, and holding a conversation")
    with launcher.serve(folder, OWN_DATABASE) as server:
        thread_id, said = asyncio.run(_converse(server.url))
    print("4. Stopping it, starting it again, and reading the thread back")
    with launcher.serve(folder, OWN_DATABASE) as server:
        asyncio.run(_read_back(server.url, thread_id, said))


async def _converse(url: str) -> tuple[str, list[str]]:
    """Hold two turns; return the thread's id, and every message of it in order."""
    async with Chatkit(url) as chatkit:
        first = await chatkit.create_thread(QUESTIONS[0])
        said = _turn(QUESTIONS[0], first)
        if first.thread_id is None:
            raise DemoError("The backend made no thread", hint=first.got)
        second = await chatkit.say(first.thread_id, QUESTIONS[1])
        return first.thread_id, said + _turn(QUESTIONS[1], second)


def _turn(question: str, exchange: Exchange) -> list[str]:
    """Show one turn, with the pieces of the answer as they came; return both messages."""
    print(f"   you:     {question}")
    print(f"   backend: {'|'.join(exchange.deltas)}")
    if not exchange.ok or not exchange.text:
        raise DemoError(f"{question!r} was not answered", hint=exchange.got)
    return [question, exchange.text]


async def _read_back(url: str, thread_id: str, said: list[str]) -> None:
    async with Chatkit(url) as chatkit:
        stored = await chatkit.call("threads.get_by_id", thread_id=thread_id)
    texts = [text for item in rows(stored.json, "items", "data") if (text := item_text(item))]
    for text in texts:
        print(f"   stored:  {text}")
    if texts != said:
        raise DemoError(f"The thread holds {texts}, not {said}", hint=stored.got)


if __name__ == "__main__":
    sys.exit(main())
