"""The life of a verifier: its thread from start to stop, its lease, and who waits for the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from threading import Event, Lock
from types import TracebackType
from typing import Any, Self

from tallystick.core.credentials.view import SessionView
from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import Position, Revocation
from tallystick.core.revocation.feed import Log
from tallystick.core.verification.follow import NEVER, Follower
from tallystick.errors import LeaseLapsed, Unavailable
from tallystick.session_source import STATE_NAME
from tallystick.verifier import forks
from tallystick.verifier.clocks import Clocks
from tallystick.verifier.exposition import page
from tallystick.verifier.keyring import Keyring, SharedKeys
from tallystick.verifier.metric import Readings
from tallystick.verifier.metrics import readings_of
from tallystick.verifier.state import Unfollowed, VerifierState
from tallystick.verifier.tally import Tally
from tallystick.verifier.thread import FollowerThread
from tallystick.verifier.watch import Watches, in_loop

FIRST_LEASE_S = 10.0
"""How long entering waits for the first lease."""
CHILD_LEASE_S = 2.0
"""How long the first request after a fork waits for the child's own."""


class Following:
    """What follows a log; `Verifier` adds the checks.

    Args:
        log: the log, or None to know nothing of revocation.
        clocks: where the time is read.
        shared_keys: keys handed over in secret.
        wanted: what the log header must say; None takes what it says.
        name: a readable part of the verifier's id.
    """

    def __init__(
        self, log: Log | None, clocks: Clocks, shared_keys: SharedKeys, wanted: Staleness | None, name: str
    ) -> None:
        self._log, self._wanted, self._name = log, wanted, name
        self._clocks, self._boot, self._shared = clocks, clocks.boot, shared_keys
        self._watches = Watches()
        self._renew()

    def _renew(self) -> None:
        """Begins with nothing: at first, and in the child of a fork, where locks and threads of the parent are gone."""
        self._lock = Lock()
        self._thread: FollowerThread | None = None
        self._orphaned = False
        self._keyring = Keyring(self._shared)
        self._memory: Follower | Unfollowed = Follower("")
        self._watches.renew()
        self._tally = Tally()
        self.first_seen = 0

    def _follows(self, staleness: Staleness) -> None:
        """Takes note of the constants of the log header."""
        raise NotImplementedError

    def _flush(self) -> None:
        """Forgets what was read before."""
        raise NotImplementedError

    def _counted(self) -> dict[str, int]:
        """Gives counters."""
        raise NotImplementedError

    def _tell(self, news: Sequence[Revocation]) -> None:
        self._watches.tell(news, self._memory.index)

    # ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, timeout_s: float = FIRST_LEASE_S) -> None:
        """Opens the log on a thread of its own and waits for the first lease; does nothing if that was done.

        Args:
            timeout_s: how long to wait, seconds.

        Raises:
            Unavailable: no lease in time; everything is stopped again.
            Misconfigured: the log header is not what was demanded, or the log cannot be used.
        """
        with self._lock:
            if self._log is None:
                self._memory = Unfollowed(self._clocks)
                self._keyring.take(b'{"keys":[]}', ())
                return
            if self._thread is None:
                thread = self._launch(self._log)
                leased = thread.leased.wait(timeout_s)
                if thread.error is not None or not leased:
                    self._stop()
                    raise thread.error or Unavailable("no lease on the revocation log yet")

    def _launch(self, log: Log) -> FollowerThread:
        thread = FollowerThread(
            log,
            self._clocks,
            self._keyring,
            wanted=self._wanted,
            name=self._name,
            opened=self._follows,
            flush=self._flush,
            tell=self._tell,
        )
        self._thread, self._memory = thread, thread.follower
        thread.start()
        forks.remember(self)
        return thread

    def stop(self) -> None:
        """Gives the lease back, deregisters, closes; nothing is accepted afterwards."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        self._memory = Follower("")
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()

    def __enter__(self) -> Self:
        """Waits for the first lease, at most ten seconds; then Unavailable."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        """Waits for the first lease off the loop, at most ten seconds; then Unavailable."""
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    @asynccontextmanager
    async def lifespan(self, app: Any = None) -> AsyncIterator[Mapping[str, Any]]:
        """Is an ASGI lifespan: runs the verifier and puts it into the lifespan state as `tallystick`."""
        async with self:
            yield {STATE_NAME: self}

    # ── the lease ────────────────────────────────────────────────────────────────────────────────────────────────

    def leased(self) -> bool:
        """Tells whether it may trust its memory now."""
        return self._boot() < self._memory.deadline

    def _require_lease(self) -> None:
        if self._orphaned:
            with self._lock:
                if self._orphaned and self._log is not None:
                    # It goes on in the background if there is no lease in time: nobody else would start it again.
                    self._launch(self._log).leased.wait(CHILD_LEASE_S)
                self._orphaned = False
        if self._boot() >= self._memory.deadline:
            raise LeaseLapsed("no lease on the revocation log")

    async def _require_lease_async(self) -> None:
        if self._orphaned:
            await asyncio.to_thread(self._require_lease)
        self._require_lease()

    def orphan(self) -> None:
        """Begins anew in the child of a fork: no lease; the first request starts a follower under a new id."""
        had_thread = self._thread is not None
        self._renew()
        self._orphaned = had_thread

    def wake(self) -> None:
        """Makes the follower look at the log now."""
        if self._thread is not None:
            self._thread.wake()

    async def applied(self, position: Position, timeout_s: float | None = None) -> bool:
        """Waits until everything up to a position is applied.

        Args:
            position: a place in the log.
            timeout_s: how long at most, seconds; LS by default, after which nothing of before it is accepted anyway.

        Returns:
            Whether it is applied.
        """
        thread, memory = self._thread, self._memory
        if thread is None or memory.applied >= position:
            return memory.applied >= position
        reached = asyncio.Event()
        call = in_loop(reached.set, asyncio.get_running_loop())
        thread.waiters.add(position, call)
        try:
            thread.wake()
            async with asyncio.timeout(memory.staleness.bound_s if timeout_s is None else timeout_s):
                while not memory.applied >= position:
                    await reached.wait()
        except TimeoutError:
            return memory.applied >= position
        finally:
            thread.waiters.remove(call)
        return True

    def applied_blocking(self, position: Position, timeout_s: float | None = None) -> bool:
        """Waits as `applied` does, on the caller's thread."""
        thread, memory = self._thread, self._memory
        if thread is None or memory.applied >= position:
            return memory.applied >= position
        reached = Event()
        thread.waiters.add(position, reached.set)
        try:
            thread.wake()
            if memory.applied < position:
                reached.wait(memory.staleness.bound_s if timeout_s is None else timeout_s)
        finally:
            thread.waiters.remove(reached.set)
        return memory.applied >= position

    # ── for others ───────────────────────────────────────────────────────────────────────────────────────────────

    def on_ended(self, callback: Callable[[Any], object], view: SessionView | None = None) -> Callable[[], None]:
        """Has a callback called when the log ends something; use it to close streams and websockets.

        It runs in the event loop that this call runs in, else on the follower's thread, where it must not block.

        Args:
            callback: called once with `view`, when an entry that covers it is applied; without a view, with every
                Revocation that is applied.
            view: the session to watch.

        Returns:
            A callable that removes the callback.
        """
        return self._watches.add(callback, view)

    def published_keys(self) -> bytes:
        """Gives the published key set (a JWKS in JSON) as the store has it now, less revoked keys; blocks for a read.

        Raises:
            Unavailable: it was never read.
        """
        if self._thread is not None:
            self._thread.read_keys(1.0)
        published = self._keyring.published()
        if published is None:
            raise Unavailable("the key set has not been read yet")
        return published

    def readings(self) -> Readings:
        """Gives what it has counted since its start, as metrics that are declared in `tallystick.verifier.metrics`."""
        lapses = self._thread.lapses if self._thread is not None else 0
        return readings_of(self._tally, self.state(), lapses, self._name)

    def metrics(self) -> str:
        """Gives its metrics as a page that Prometheus reads (text format 0.0.4), for the host application to serve."""
        return page(self.readings())

    def state(self) -> VerifierState:
        """Gives what an operator may want to know, as of now."""
        memory, now = self._memory, self._boot()
        deadline = memory.deadline
        age = now - (deadline - memory.staleness.lease_s) if deadline != NEVER else float("inf")
        counters = {
            **self._counted(),
            "beats": memory.beats,
            "failures": self._thread.failures if self._thread is not None else 0,
            "lapses": self._tally.lapses,
        }
        return VerifierState(
            memory.verifier,
            now < deadline,
            max(age, 0.0),
            memory.applied,
            len(memory.index),
            memory.is_forked,
            counters,
        )
