"""Parallel answers: what the checks of them judge, and what is another check's subject."""

import pytest

from chatkit_scaffold.conformance.suite import run_checks
from tests.conformance.servers.agent_faults import FAULTS as AGENT_FAULTS
from tests.conformance.servers.correct import Fault, build, headers_for
from tests.conformance.servers.parallel_faults import FAULTS, MORE_FAULTS
from tests.conformance.servers.serving import serve
from tests.conformance.servers.thread_faults import FAULTS as THREAD_FAULTS

SHARED_TEXT = [
    FAULTS["streaming-text-separate"],
    *(fault for check_id, fault in MORE_FAULTS.values() if check_id == "streaming-text-separate"),
]


def failed(fault: Fault, *select: str) -> dict[str, str]:
    """Check a server with the credentials of one user; return what each failed check got."""
    with serve(build(fault)) as url:
        report = run_checks(url, headers=headers_for("first"), select=select)
    assert report.errors == []
    return {result.check.id: result.got for result in report.failures}


@pytest.mark.parametrize("fault", SHARED_TEXT, ids=["buffer", "queue", "store"])
def test_text_of_one_user_is_kept_separate_too(fault: Fault) -> None:
    """Without a second user, the text of two threads of one user is found to cross over."""
    assert failed(fault, "streaming-text-separate").keys() == {"streaming-text-separate"}


def test_one_id_for_all_messages_is_not_mixing() -> None:
    """A model whose messages all have one id fails for that, and not for mixing streams."""
    got = failed(AGENT_FAULTS["items-ids-unique"], "streaming", "items-ids-unique")
    assert got == {"items-ids-unique": "repeated: ['__fake_id__']"}


def test_one_id_for_all_threads_is_not_mixing() -> None:
    """A server that gives every thread the first one's id fails for that, and not for mixing."""
    got = failed(THREAD_FAULTS["threads-distinct"], "streaming", "threads-distinct")
    assert got == {"threads-distinct": "thr_first again"}
