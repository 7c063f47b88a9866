"""A thread that owns a connection to the file, and runs what is queued for it in batches."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from queue import Empty, SimpleQueue

from app.base import StoreUnavailableError
from app.database.interface import Parameters, Rows


class Operation:
    """One statement, and what became of it."""

    def __init__(self, statement: str, parameters: Parameters) -> None:
        self.error: Exception | None = None
        self._statement = statement
        self._parameters = parameters
        self._rows: Rows = []
        self._begun = threading.Lock()
        self._done = False
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None

    def begin(self) -> bool:
        """Return whether the operation still had to be begun, or withdrawn."""
        return self._begun.acquire(blocking=False)

    def run(self, connection: sqlite3.Connection) -> None:
        """Execute the statement. If it fails, SQLite undoes it alone."""
        try:
            self._rows = connection.execute(self._statement, self._parameters).fetchall()
        except Exception as error:
            # Whatever it is, it belongs to the caller: the thread goes on.
            self.error = error

    def finish(self) -> None:
        """Wake the caller; for the event loop to call."""
        self._done = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def result(self) -> Rows:
        """Wait for the rows.

        A cancellation withdraws the operation, or waits for its end if it has begun.

        Raises:
            StoreUnavailableError: It failed; the text gives the reason.
        """
        cancelled = None
        while not self._done:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            except asyncio.CancelledError as error:
                if self.begin():
                    raise
                cancelled = error
        if cancelled is not None:
            raise cancelled
        if isinstance(self.error, sqlite3.Error | StoreUnavailableError):
            reason = f"The database cannot be used: {self.error}."
            raise StoreUnavailableError(reason) from self.error
        if self.error is not None:
            raise self.error
        return self._rows


Take = Callable[[], list[Operation]]
"""Begins the operations that are queued, and returns them."""

RunBatch = Callable[[sqlite3.Connection, Take], list[Operation]]
"""Takes operations and runs them; the callers of those it returns are answered."""


class Worker:
    """Runs operations in a thread, in the order in which they come.

    Args:
        connection: From now on, only the thread uses it.
        run_batch: Called in the thread when an operation is queued. What is queued until it takes
            them is part of the batch.
    """

    def __init__(self, connection: sqlite3.Connection, run_batch: RunBatch) -> None:
        self._connection = connection
        self._run_batch = run_batch
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Operation | None] = SimpleQueue()
        self._next: list[Operation | None] = []
        self._closed = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    async def run(self, statement: str, parameters: Parameters) -> Rows:
        """Run a statement and return its rows.

        Raises:
            StoreUnavailableError: It failed; the text gives the reason.
        """
        if self._closed:
            raise StoreUnavailableError("The database is closed.")
        operation = Operation(statement, parameters)
        self._queue.put(operation)
        return await operation.result()

    async def close(self) -> None:
        """Run what is queued, then close the connection."""
        self._closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        with closing(self._connection):
            while None not in self._next:
                self._next = [self._queue.get()]
                batch = self._run_batch(self._connection, self._take)
                self._loop.call_soon_threadsafe(_finish, batch)

    def _take(self) -> list[Operation]:
        while True:
            try:
                self._next.append(self._queue.get_nowait())
            except Empty:
                break
        return [operation for operation in self._next if operation and operation.begin()]


def _finish(operations: list[Operation]) -> None:
    for operation in operations:
        operation.finish()
