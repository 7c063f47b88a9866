"""What usually makes a backend on the SDK raise an error, by operation.

Every cause is a mistake of a real backend, and `tests/conformance/servers/server_errors.py` makes
each of them; the operations and methods are those of chatkit/server.py (openai-chatkit 1.6.5).
"""

import re
from dataclasses import dataclass

from chatkit_scaffold.protocol.client import STREAMING
from chatkit_scaffold.protocol.exchange import Exchange

_SEARCHED = 4_000
"""Bytes of a response in which an exception's message is looked for."""


@dataclass(frozen=True, slots=True)
class UsualCause:
    """A mistake that raises an error.

    Attributes:
        text: The mistake, as part of a sentence.
        sign: Matches the message of the exception, which some servers send; `(?!)` matches
            nothing.
    """

    text: str
    sign: str


_ENCODED = UsualCause(
    "the route encodes the result itself (`json.dumps(result)`, `result.json()`): return "
    "`result.json` as it is",
    r"is not JSON serializable|'bytes' object is not callable",
)
_STREAMED = UsualCause(
    "the route sends every result as a stream: only a `StreamingResult` is one, any other result "
    "has `result.json`",
    r"NonStreamingResult.{0,20}(?:__aiter__|iterable)|__aiter__.{0,40}NonStreamingResult",
)
_NOT_STREAMED = UsualCause(
    "the route returns `result.json` for every result: pass a `StreamingResult` to "
    "`StreamingResponse`",
    r"'StreamingResult' object has no attribute 'json'",
)
_PARSED = UsualCause(
    "the route passes parsed JSON to `process`, which takes the bytes of the body",
    r"JSON input should be string, bytes or bytearray",
)
_LOAD_THREADS = UsualCause(
    "`Store.load_threads` lacks a parameter: the SDK passes `limit`, `after`, `order` and "
    "`context` by name",
    r"load_threads\(\).{0,40}argument",
)
_PAGE_OF_THREADS = UsualCause(
    "`Store.load_threads` returns a list instead of a `Page`",
    r"'list' object has no attribute 'has_more'",
)
_THREADS_AS_ROWS = UsualCause(
    "the store returns dictionaries or rows instead of `ThreadMetadata`",
    r"'(?:dict|tuple|Row|Record)' object has no attribute",
)
_STORED_THREAD = UsualCause(
    "`save_thread` stored a `Thread`, which the SDK passes when `respond` changes the thread: "
    "store `ThreadMetadata(**thread.model_dump())`",
    r"multiple values for keyword argument 'items'",
)
_NONE = UsualCause(
    "`Store.load_thread` returns None: raise `NotFoundError` for a thread that does not exist, "
    "and return the thread if it does",
    r"'NoneType' object has no attribute",
)
_LOAD_ITEMS = UsualCause(
    "`Store.load_thread_items` lacks a parameter: the SDK passes `thread_id`, `after`, `limit`, "
    "`order` and `context`, in this order or by name",
    r"load_thread_items\(\).{0,40}argument",
)
_PAGE_OF_ITEMS = UsualCause(
    "`Store.load_thread_items` returns a list instead of a `Page`",
    r"'list' object has no attribute|valid dictionary or instance of Page",
)
_TIMES = UsualCause(
    "the store compares times that have a time zone with times that have none",
    r"offset-naive and offset-aware",
)
_INSERTS = UsualCause(
    "`Store.save_thread` can only insert: it also has to update a thread that it has",
    r"UNIQUE constraint|duplicate key|IntegrityError",
)
_DELETE_THREAD = UsualCause(
    "`Store.delete_thread` is not implemented, or deletes a thread before its items",
    r"NotImplementedError|FOREIGN KEY|foreign key",
)
_DELETE_ITEM = UsualCause(
    "`Store.delete_thread_item` is not implemented: a retry first deletes the old answer",
    r"NotImplementedError",
)
_ASYNC_IDS = UsualCause(
    "`generate_thread_id` or `generate_item_id` is `async`, which the SDK does not await",
    r"input_value=<coroutine|coroutine object",
)
_NOT_ASYNC = UsualCause(
    "a method of the store is not `async`, or lacks the parameter `context`",
    r"can't be used in 'await' expression|unexpected keyword argument 'context'",
)
_DATETIMES = UsualCause(
    'the store passes datetimes to `json.dumps`: use `item.model_dump(mode="json")`',
    r"datetime is not JSON serializable",
)
_FORGOTTEN = UsualCause(
    "`Store.load_thread` does not find the thread: keep all threads in one store, outside the "
    "request",
    r"[Nn]ot found",
)
_AFTERWARDS = UsualCause(
    "an exception in your own loop around the SDK's events or in middleware (one in `respond` "
    "becomes an `error` event); a worker that was killed, by a timeout or for its memory; a proxy",
    r"(?!)",
)

_ROUTE = (_ENCODED, _PARSED)
_ITEMS = (_LOAD_ITEMS, _PAGE_OF_ITEMS, _TIMES)
_WRITING = (_ASYNC_IDS, _NOT_ASYNC, _DATETIMES)
_BY_OPERATION: dict[str, tuple[UsualCause, ...]] = {
    "threads.list": (_LOAD_THREADS, _PAGE_OF_THREADS, _THREADS_AS_ROWS, _TIMES, *_ROUTE),
    "threads.get_by_id": (_STORED_THREAD, _FORGOTTEN, _NONE, *_ITEMS, _THREADS_AS_ROWS),
    "items.list": _ITEMS,
    "threads.update": (_INSERTS, _NONE, _THREADS_AS_ROWS),
    "threads.delete": (_DELETE_THREAD,),
    "threads.create": _WRITING,
    "threads.add_user_message": (_FORGOTTEN, _NONE, _THREADS_AS_ROWS, *_WRITING),
    "threads.retry_after_item": (_DELETE_ITEM, *_ITEMS),
}


def usual_causes(exchange: Exchange) -> str:
    """Return the usual causes of a server error; the one that the response shows, if it does.

    Empty if nothing is known about the operation.
    """
    known = _known(exchange)
    body = exchange.body[:_SEARCHED].decode("utf-8", "replace")
    # These may show in any operation, but are usual only in some.
    possible = (*known, _DATETIMES, *_ROUTE)
    if shown := [cause.text for cause in possible if re.search(cause.sign, body)]:
        return f"The response shows the cause: {shown[0]}."
    return f"Usual causes: {'; '.join(cause.text for cause in known)}." if known else ""


def answer_begun(exchange: Exchange) -> bool:
    """Return whether a stream had come to the answer, where the SDK catches all exceptions."""
    return bool(exchange.events_of_type("stream_options"))


def _known(exchange: Exchange) -> tuple[UsualCause, ...]:
    """Return the mistakes that can be behind this response.

    The SDK calls the store for a stream only after the response has begun. So a status of 500
    for a stream is an error of the route, and a JSON response that breaks off was sent as a
    stream.
    """
    if answer_begun(exchange):
        return (_AFTERWARDS,)
    if exchange.operation in STREAMING and exchange.is_server_error:
        return (_NOT_STREAMED, *_ROUTE)
    if exchange.operation not in STREAMING and exchange.is_success:
        return (_STREAMED,)
    return _BY_OPERATION.get(exchange.operation, ())
