"""A way from an event loop to threads that do the work of a store, and back.

All jobs that one turn of the loop has go to a thread together, and their outcomes come back together: a hop between
threads costs more than most statements.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

from tallystick.errors import Unavailable
from tallystick.stores.sql.engine import ours
from tallystick.stores.sql.transaction import Transaction

Result = TypeVar("Result")
JOBS_MAX = 4096
"""More jobs than these do not wait: they are refused at once."""


@dataclass(slots=True)
class Job(Generic[Result]):
    """A transaction that somebody waits for.

    Args:
        begin: makes the transaction; called on the thread that runs it.
        future: where the outcome goes.
        durable: its outcome may be told only when it lies on the disk.
        wakes: followers in this process shall look at the log when it is done.
    """

    begin: Callable[[], Transaction[Result]]
    future: asyncio.Future[Result]
    durable: bool = True
    wakes: bool = False


@dataclass(slots=True)
class Failure:
    """The outcome of a job that raised.

    Args:
        error: what it raised.
    """

    error: BaseException


Work = Callable[[Sequence[Job[Any]]], Sequence[Any]]


class Lane:
    """Threads that take jobs in batches.

    Args:
        name: of the threads.
        works: one for each thread: runs a batch and gives the outcome of each job, a Failure where it raised.
        together: a thread takes everything that waits, not only one batch.
    """

    def __init__(self, name: str, works: Sequence[Work], *, together: bool) -> None:
        self._queue: SimpleQueue[list[Job[Any]] | None] = SimpleQueue()
        self._pending: list[Job[Any]] = []
        self._loop = asyncio.get_running_loop()
        self._together = together
        self._waiting = 0
        self._pid = os.getpid()
        self._threads = [
            Thread(target=self._serve, args=(work,), name=f"tallystick-{name}-{number}", daemon=True)
            for number, work in enumerate(works)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, begin: Callable[[], Transaction[Result]], *, durable: bool = True, wakes: bool = False
    ) -> asyncio.Future[Result]:
        """Hands in a transaction; gives its outcome to be awaited.

        Raises:
            Unavailable: too many wait already, or this process is a fork of the one that opened the store.
        """
        if self._pid != os.getpid():
            raise Unavailable("the store was opened by another process: open it anew after a fork")
        if self._waiting >= JOBS_MAX:
            raise Unavailable(f"{self._waiting} jobs are waiting for the store")
        loop = asyncio.get_running_loop()
        job = Job(begin, loop.create_future(), durable, wakes)
        self._waiting += 1
        if loop is not self._loop:
            self._queue.put([job])
            return job.future
        if not self._pending:
            loop.call_soon(self._hand_over)
        self._pending.append(job)
        return job.future

    def _hand_over(self) -> None:
        batch, self._pending = self._pending, []
        if batch:
            self._queue.put(batch)

    def _serve(self, work: Work) -> None:
        while (batch := self._queue.get()) is not None:
            batches = [batch, *self._rest()] if self._together else [batch]
            jobs = batch if len(batches) == 1 else [job for one in batches for job in one]
            try:
                outcomes = work(jobs)
            except BaseException as error:  # noqa: BLE001  (whoever waits must hear of it, whatever it is)
                outcomes = [Failure(ours(error))] * len(jobs)
            start = 0
            for one in batches:
                self._tell(one, outcomes[start : start + len(one)])
                start += len(one)

    def _rest(self) -> list[list[Job[Any]]]:
        found: list[list[Job[Any]]] = []
        try:
            while (batch := self._queue.get_nowait()) is not None:
                found.append(batch)
            self._queue.put(None)
        except Empty:
            return found
        return found

    def _tell(self, jobs: list[Job[Any]], outcomes: Sequence[Any]) -> None:
        loop = jobs[0].future.get_loop()
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._settle, jobs, outcomes)

    def _settle(self, jobs: list[Job[Any]], outcomes: Sequence[Any]) -> None:
        self._waiting -= len(jobs)
        for job, outcome in zip(jobs, outcomes, strict=True):
            if job.future.done():
                continue
            if isinstance(outcome, Failure):
                job.future.set_exception(outcome.error)
            else:
                job.future.set_result(outcome)

    async def stop(self) -> None:
        """Ends the threads when they have done what waits."""
        if self._pid == os.getpid():
            self._hand_over()
            for _ in self._threads:
                self._queue.put(None)
            for thread in self._threads:
                await asyncio.to_thread(thread.join)
