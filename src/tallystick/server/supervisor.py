"""Several workers on one socket: started, replaced when they die, ended together."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import Any

from tallystick.errors import TallystickError

SHORTEST_LIFE_S = 5.0
"""A worker that dies sooner would die again, so the server ends with it."""
KILL_AFTER_S = 5.0
FAILED = 3
_log = logging.getLogger("tallystick.server")
_spawn = get_context("spawn")

Work = Callable[..., int]


class _Worker:
    """One process, and the pipe by which it notices that we are gone.

    Args:
        work: what it runs; must pickle.
        arguments: of that.
    """

    def __init__(self, work: Work, arguments: tuple[Any, ...]) -> None:
        theirs, self._ours = _spawn.Pipe(duplex=False)
        self.process: SpawnProcess = _spawn.Process(target=_run, args=(theirs, work, arguments))
        self.process.start()
        theirs.close()
        self.started_at = time.monotonic()

    def age_s(self) -> float:
        """Gives how long ago it was started."""
        return time.monotonic() - self.started_at


def _run(parent: Connection, work: Work, arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    try:
        sys.exit(work(*arguments))
    except TallystickError as error:
        _log.error("a worker cannot serve: %s", error)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def _end_with(parent: Connection) -> None:
    try:
        parent.recv_bytes()
    except (EOFError, OSError):
        os.kill(os.getpid(), signal.SIGTERM)


def supervise(work: Work, arguments: tuple[Any, ...], count: int, patience_s: float) -> int:
    """Runs workers until SIGTERM or SIGINT; gives the exit code.

    Args:
        work: what each of them runs; ends by itself after SIGTERM.
        arguments: of that.
        count: how many.
        patience_s: how long they may take to end before they are killed, seconds.
    """
    reader, writer = os.pipe()

    def wake(number: int, frame: FrameType | None) -> None:
        os.write(writer, b"x")

    before = {number: signal.signal(number, wake) for number in (signal.SIGTERM, signal.SIGINT)}
    workers = [_Worker(work, arguments) for _ in range(count)]
    try:
        return _watch(workers, reader, work, arguments)
    finally:
        _end(workers, patience_s)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)


def _watch(workers: list[_Worker], told: int, work: Work, arguments: tuple[Any, ...]) -> int:
    while True:
        events = wait([told, *(worker.process.sentinel for worker in workers)])
        if told in events:
            return 0
        for at, worker in enumerate(workers):
            if worker.process.sentinel not in events:
                continue
            worker.process.join()
            if worker.age_s() < SHORTEST_LIFE_S:
                _log.error("a worker ended with %s as soon as it had started", worker.process.exitcode)
                return FAILED
            _log.warning("a worker ended with %s and is replaced", worker.process.exitcode)
            workers[at] = _Worker(work, arguments)


def _end(workers: list[_Worker], patience_s: float) -> None:
    for worker in workers:
        worker.process.terminate()
    deadline = time.monotonic() + patience_s + KILL_AFTER_S
    for worker in workers:
        worker.process.join(max(0.0, deadline - time.monotonic()))
        if worker.process.is_alive():
            _log.error("a worker did not end in time and is killed")
            worker.process.kill()
            worker.process.join()
