"""The load generator counts only whole answers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing

import pytest

from benchmarks.wire import BadResponseError, Connection, create_request, require_turn

DELTA = b'data: {"update":{"type":"assistant_message.content_part.text_delta"}}\n\n'
DONE = b'data: {"type":"thread.item.done","item":{}}\n\n'
ERROR = b'data: {"type":"error","code":"stream.error"}\n\n'
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = DONE + 20 * DELTA + DONE


def chunk(data: bytes) -> bytes:
    """Return one chunk of a body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


@asynccontextmanager
async def serving(*parts: bytes) -> AsyncIterator[str]:
    """Answer every request with the parts, one write each; yield the endpoint's URL.

    An empty part closes the connection.
    """
    closed = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing() and await reader.read(65_536):
            for part in parts:
                if part:
                    writer.write(part)
                    await writer.drain()
                else:
                    writer.close()
        writer.close()
        await writer.wait_closed()
        closed.set()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}/chatkit"
        finally:
            await closed.wait()


def answers(parts: Sequence[bytes], times: int = 1) -> list[bytes]:
    """Return the responses that the load generator gets over one connection."""

    async def converse() -> list[bytes]:
        async with serving(*parts) as url:
            with closing(await Connection.open(url)) as connection:
                return [await connection.post(create_request()) for _ in range(times)]

    return asyncio.run(converse())


@pytest.mark.quick
@pytest.mark.parametrize(
    "parts",
    [
        [CHUNKED, chunk(WHOLE), b"0\r\n\r\n"],
        [CHUNKED, chunk(WHOLE[:700]), chunk(WHOLE[700:]) + b"0\r\n\r\n"],
        [CHUNKED + chunk(WHOLE)[:100], chunk(WHOLE)[100:], b"0\r", b"\n\r\n"],
        [HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(WHOLE), WHOLE)],
    ],
    ids=["one chunk", "an event in two chunks", "a chunk in two writes", "a known length"],
)
def test_a_whole_answer_counts(parts: list[bytes]) -> None:
    """However its bytes are cut, and more than once over one connection."""
    first, second = answers(parts, times=2)

    assert first == second == WHOLE
    require_turn(first)


@pytest.mark.quick
@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([CHUNKED, chunk(WHOLE), b""], "ends after"),
        ([CHUNKED, chunk(WHOLE)[:-20], b""], "ends after"),
        ([b""], "ends after 0 bytes"),
        (
            [b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 4\r\n\r\nslow"],
            "status is 429: slow",
        ),
    ],
    ids=["no last chunk", "half a chunk", "nothing", "a status"],
)
def test_a_response_that_is_cut_off_is_an_error(parts: list[bytes], message: str) -> None:
    """The benchmark ends instead of counting it."""
    with pytest.raises(BadResponseError, match=message):
        answers(parts)


@pytest.mark.quick
@pytest.mark.parametrize(
    "body",
    [DONE + 19 * DELTA + DONE, DONE + 20 * DELTA, WHOLE + ERROR, b""],
    ids=["a missing delta", "no end", "an error", "empty"],
)
def test_a_stream_that_lacks_events_is_an_error(body: bytes) -> None:
    """A complete response can still be an incomplete answer."""
    with pytest.raises(BadResponseError):
        require_turn(body)
