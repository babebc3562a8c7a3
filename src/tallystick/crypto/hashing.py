"""The hashing pool: slow hashes on a few threads, with a bounded queue in front.

Password hashing is made to be expensive, so it is what an overload hits first. Every process gets its share of the host's
processors; what does not fit into the queue is refused before anything is hashed, with 503 and the time after which a
retry makes sense. The event loop never hashes.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Lock, get_native_id
from time import perf_counter
from typing import TypeVar

from tallystick.crypto.slow_hashes import PEPPER_BYTES, hash_password, matches, nobodys_hash, pepper_name
from tallystick.errors import InvalidRequest, Misconfigured, Overloaded, Unavailable
from tallystick.identity.password import PasswordParameters
from tallystick.identity.stored_hash import needs_rehash, parse
from tallystick.verifier.metric import Timing

QUEUE_PER_SLOT = 64
"""Hashes that may wait for each slot: with 30 ms each, the last of them waits two seconds."""
NICENESS = 5
"""Measured on 2 processors with 100 hashes under way: the loop's p99 wait falls from 4 ms to below 2.5 ms."""
_RETRY_AFTER_MAX_S = 30.0
TIME_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: in what waits and hashes are counted."""
_Found = TypeVar("_Found")


class HashingPool:
    """Hashes and verifies passwords on threads.

    Args:
        parameters: what a new hash costs.
        workers: how many processes of this host share its processors.
        pepper: 32 secret bytes that are mixed into new hashes, or several, the newest first, of which the others still
            verify; None for none. They are kept outside of the store.
        slots: threads of this process; its share of the processors if None.
        queue: how many may wait; 64 for each slot if None.

    Raises:
        Misconfigured: a pepper is not 32 bytes long or twice there, or a number is too small.
    """

    def __init__(
        self,
        parameters: PasswordParameters,
        *,
        workers: int = 1,
        pepper: bytes | Sequence[bytes] | None = None,
        slots: int | None = None,
        queue: int | None = None,
    ) -> None:
        peppers = (pepper,) if isinstance(pepper, bytes) else tuple(pepper or ())
        if any(len(key) != PEPPER_BYTES for key in peppers) or len(set(peppers)) != len(peppers):
            raise Misconfigured(f"a pepper has {PEPPER_BYTES} bytes, and no two are the same")
        if workers < 1 or (slots is not None and slots < 1) or (queue is not None and queue < 0):
            raise Misconfigured("workers and slots are at least 1, the queue at least 0")
        self._parameters = parameters
        self._pepper = peppers[0] if peppers else None
        self._peppers = {pepper_name(key): key for key in peppers}
        self._nobodys = nobodys_hash(parameters)
        self.slots = slots if slots is not None else max(1, _processors() // workers)
        self.capacity = self.slots + (queue if queue is not None else QUEUE_PER_SLOT * self.slots)
        self._executor: ThreadPoolExecutor | None = None
        self._process = os.getpid()
        self._lock = Lock()
        self._inside = 0
        self._usual_s = 0.03
        self.refused = 0
        self.waits, self.durations = Timing(TIME_BOUNDS), Timing(TIME_BOUNDS)

    @property
    def inside(self) -> int:
        """How many hashes are being made or wait."""
        return self._inside

    async def hash(self, password: str) -> str:
        """Hashes a normalised password.

        Raises:
            Overloaded: the queue is full; nothing was hashed.
            Unavailable: there is not enough memory.
        """
        return await self._run(lambda: hash_password(password, self._parameters, self._pepper))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Tells whether a normalised password matches; with None it spends the time of today's parameters and says False.

        Raises:
            Overloaded: the queue is full; nothing was hashed.
            Unavailable: the stored hash cannot be verified here: its kind or its pepper is not known.
        """
        try:
            taken_apart = parse(self._nobodys if stored is None else stored)
        except InvalidRequest as error:
            raise Unavailable(f"a stored password hash cannot be verified: {error.detail}") from None
        found = await self._run(lambda: matches(password, taken_apart, self._peppers))
        return found and stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Tells whether a stored hash is of an older kind, cheaper than today's parameters, or without today's pepper."""
        return needs_rehash(stored, self._parameters, next(iter(self._peppers), None))

    async def close(self) -> None:
        """Stops the threads when everything that waits is hashed. The next hash starts new ones."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.to_thread(executor.shutdown)

    async def _run(self, work: Callable[[], _Found]) -> _Found:
        return await asyncio.wrap_future(self._submit(work))

    def _submit(self, work: Callable[[], _Found]) -> Future[_Found]:
        if self._process != os.getpid():
            # The child of a fork has none of its parent's threads, and perhaps a lock that one of them held.
            self._process, self._lock, self._executor, self._inside = os.getpid(), Lock(), None, 0
        with self._lock:
            if self._inside >= self.capacity:
                wait_s = min(_RETRY_AFTER_MAX_S, max(1.0, self._inside / self.slots * self._usual_s))
                self.refused += 1
                raise Overloaded(f"{self._inside} password hashes are being made or wait", retry_after_s=wait_s)
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self.slots, "tallystick-hashing", _yield_to_the_loop)
            self._inside += 1
            future = self._executor.submit(self._timed, work, perf_counter())
        # Called once for each: when it is done, and when its caller went away before it began.
        future.add_done_callback(self._leave)
        return future

    def _timed(self, work: Callable[[], _Found], entered_at: float) -> _Found:
        begun = perf_counter()
        try:
            return work()
        finally:
            took_s = perf_counter() - begun
            self._usual_s += (took_s - self._usual_s) / 8
            self.waits.add(begun - entered_at)
            self.durations.add(took_s)

    def _leave(self, _: Future[_Found]) -> None:
        with self._lock:
            self._inside -= 1


def _yield_to_the_loop() -> None:
    """Lets every thread that serves requests go first: on Linux each thread has a niceness of its own (sched(7))."""
    if sys.platform == "linux":
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, get_native_id(), NICENESS)


def _processors() -> int:
    """Counts the processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
