"""Measures what a turn costs inside the SDK, without HTTP; prints milliseconds of CPU as JSON."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from statistics import median

from chatkit.server import NonStreamingResult, StreamingResult
from chatkit.types import ThreadsCreateReq

from benchmarks.apps.quickstart import server
from benchmarks.wire import create_request

_TIMES = 100


async def main() -> None:
    """Measure `process`, and the same turn with a request that is already parsed."""
    parsed = ThreadsCreateReq.model_validate_json(create_request())

    async def process() -> None:
        await drain(await server.process(create_request(), {}))

    async def stream() -> None:
        await drain(StreamingResult(server._process_streaming(parsed, {})))  # noqa: SLF001

    print(json.dumps({"process": await cost(process), "stream": await cost(stream)}))


async def drain(result: StreamingResult | NonStreamingResult) -> None:
    """Read a stream to its end."""
    if isinstance(result, StreamingResult):
        async for _ in result:
            pass


async def cost(run: Callable[[], Awaitable[None]]) -> float:
    """Return the median milliseconds of CPU."""
    found = []
    for _ in range(_TIMES):
        begin = time.process_time()
        await run()
        found.append((time.process_time() - begin) * 1000)
    return median(found)


if __name__ == "__main__":
    asyncio.run(main())
