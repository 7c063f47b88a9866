"""Which agents the memory checks judge, and how many messages they send to the others."""

import re
from collections.abc import Callable

import pytest

from chatkit_scaffold.conformance.check import Outcome
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.conformance.suite import run_checks
from tests.conformance.servers.agent_faults import answering, model_reply
from tests.conformance.servers.correct import Fault, build, headers_for
from tests.conformance.servers.serving import serve

Reply = Callable[[list[str]], str]


def run(reply: Reply) -> Report:
    """Check the memory of an agent that answers so to the messages of its thread."""
    with serve(build(Fault(patch=answering(reply)))) as url:
        return run_checks(url, headers=headers_for("first"), select=("memory-previous-remembered",))


def outcome(reply: Reply) -> Outcome:
    """Return the outcome of `memory-previous-remembered`."""
    report = run(reply)
    assert report.errors == []
    return report.results[-1].outcome


def forgetful(messages: list[str]) -> str:
    """Know only the newest message."""
    return model_reply(messages[-1:])


def with_separators(separator: str) -> Callable[[str], str]:
    """Write the thousands of a number apart."""
    return lambda text: re.sub(r"^(\d+)(\d{3})$", rf"The result is **\1{separator}\2**.", text)


def calculator(messages: list[str]) -> str:
    """Talk about numbers only."""
    answer = model_reply(messages)
    return answer if answer.isdecimal() else "I can only help with numbers."


def wrong_at_last(messages: list[str]) -> str:
    """Remember the result, and add to it wrongly."""
    if "to that result" not in messages[-1]:
        return calculator(messages)
    return f"{int(model_reply(messages)) - 1000} + 1000 = 7"


def quoting(messages: list[str]) -> str:
    """Write the word for people."""
    return f"It was “**{model_reply(messages).upper()}**”!"


@pytest.mark.parametrize("separator", [",", ".", " ", "'", "\u2019", "{,}", "\u202f"])
def test_no_memory_fails(separator: str) -> None:
    """An agent that adds, in any notation, and does not know the previous message fails."""
    written = with_separators(separator)
    assert outcome(lambda messages: written(forgetful(messages))) is Outcome.FAILED


@pytest.mark.parametrize("reply", [model_reply, quoting, calculator, wrong_at_last])
def test_memory_passes(reply: Reply) -> None:
    """An agent passes that remembers the word or its own sum, whatever else it gets wrong."""
    assert outcome(reply) is Outcome.PASSED


@pytest.mark.parametrize(
    "answer", ["I only answer questions about cooking.", "eighty-one thousand", "OK", "12"]
)
def test_without_a_sum_skipped(answer: str) -> None:
    """An agent that does not add is not judged: it may not understand the question."""
    assert outcome(lambda _: answer) is Outcome.SKIPPED


def echo(messages: list[str]) -> str:
    """Repeat the newest message."""
    return messages[-1]


@pytest.mark.parametrize(("reply", "count"), [(model_reply, 2), (echo, 3), (forgetful, 4)])
def test_messages_are_few(reply: Reply, count: int) -> None:
    """Every message to a model costs money: no agent gets one that decides nothing."""
    received = []

    def recording(messages: list[str]) -> str:
        if "secret word" in messages[0]:
            received.append(messages[-1])
        return reply(messages)

    run(recording)
    assert len(received) == count
