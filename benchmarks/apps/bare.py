"""Streams recorded events with Starlette alone: what HTTP costs without ChatKit."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

RECORDED = {
    operation: [f"{event}\n\n".encode() for event in events.split("\n\n") if event]
    for operation, events in json.loads(Path(os.environ["BENCH_RECORDED"]).read_text()).items()
}
"""The events of a complete response, by operation."""


async def chatkit(request: Request) -> StreamingResponse:
    """Read the request, and send the events of its operation one by one."""
    operation = json.loads(await request.body())["type"]

    async def events() -> AsyncIterator[bytes]:
        for event in RECORDED[operation]:
            yield event

    return StreamingResponse(events(), media_type="text/event-stream")


app = Starlette(routes=[Route("/chatkit", chatkit, methods=["POST"])])
