"""Drives a follower on a thread of its own: does what it asks, tells it what came, reads the key set in between."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Sequence
from threading import Condition, Event, Thread
from typing import assert_never

from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import Position, Revocation
from tallystick.core.revocation.feed import Log
from tallystick.core.verification.follow import Follower
from tallystick.core.verification.steps import (
    Ack,
    Acked,
    Action,
    Failed,
    Heard,
    Open,
    Opened,
    Register,
    Registered,
    SendBeat,
    TakeSnapshot,
    Tick,
    Wait,
    Waited,
)
from tallystick.errors import Misconfigured, Unavailable
from tallystick.verifier.clocks import Clocks
from tallystick.verifier.keyring import Keyring
from tallystick.verifier.watch import Waiters

KEYS_EVERY_S = 10.0
"""How often the published key set is read again."""
KEYS_AGAIN_S = 0.25
"""How soon it is tried again when there are no keys yet."""
STOP_S = 5.0
_log = logging.getLogger("tallystick.verifier")


class FollowerThread:
    """One follower, its log and its thread; used once, from `start` to `stop`.

    Args:
        log: opened, used and closed in the thread only (but for `wake`).
        clocks: where the time is read.
        keyring: gets the published keys.
        wanted: what the log header must say, or None for whatever it says.
        name: readable part of the verifier's id.
        opened: called with the constants of the log header each time the log was opened.
        flush: called when what was read before must not be kept.
        tell: called with entries that were applied.
    """

    def __init__(
        self,
        log: Log,
        clocks: Clocks,
        keyring: Keyring,
        *,
        wanted: Staleness | None,
        name: str,
        opened: Callable[[Staleness], None],
        flush: Callable[[], None],
        tell: Callable[[Sequence[Revocation]], None],
    ) -> None:
        self.follower = Follower(f"{name}-{os.urandom(8).hex()}")
        self.waiters = Waiters()
        self.heeds: deque[tuple[Position, float]] = deque(maxlen=16)
        self.failures = 0
        self.lapses = 0
        self._held = False
        self.leased = Event()
        self.error: Misconfigured | None = None
        self._log, self._clocks, self._keyring = log, clocks, keyring
        self._wanted, self._opened, self._flush, self._tell = wanted, opened, flush, tell
        self._keys = Condition()
        self._keys_asked_at = float("-inf")
        self._keys_read_at = float("-inf")
        self._keys_tried_at = float("-inf")
        self._stopping = False
        self._nudge = Event()
        self._is_open = False
        self._version = 0
        self._era = 0
        self._thread = Thread(target=self._run, name=f"tallystick-{self.follower.verifier}", daemon=True)

    # ── from any thread ──────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Gives the lease back, deregisters, closes the log, and waits for that a few seconds at most."""
        self._stopping = True
        self.wake()
        self._thread.join(STOP_S)

    def wake(self) -> None:
        """Makes the follower look at the log now."""
        self._nudge.set()
        self._log.wake()

    def heed(self, tal: Position, boot: float) -> None:
        """Tells the follower of a well-signed token from beyond what it has applied."""
        self.heeds.append((tal, boot))

    def read_keys(self, timeout_s: float) -> bool:
        """Has the key set read again and waits for it; callers at the same time share one read.

        Args:
            timeout_s: how long to wait at most, seconds.

        Returns:
            Whether it was read, in a read that began after the call.
        """
        now = self._clocks.boot()
        with self._keys:
            self._keys_asked_at = now
        self.wake()
        with self._keys:
            self._keys.wait_for(lambda: self._keys_tried_at >= now, timeout_s)
            return self._keys_read_at >= now

    # ── on its own thread ────────────────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        heard: Heard = Waited()
        try:
            while not self._stopping:
                while self.heeds:
                    self.follower.heed(*self.heeds.popleft())
                self._look_at_lease()
                action = self.follower.step(heard, self._tick())
                self._stepped()
                heard = self._do(action)
        except Misconfigured as error:
            self.error = error
            self.leased.set()
        finally:
            self._leave()

    def _tick(self) -> Tick:
        return Tick(self._clocks.boot(), self._clocks.wall(), os.urandom(17))

    def _look_at_lease(self) -> None:
        # Before the step, which may renew it: a process that was stopped learns here that its lease ran out.
        held = self._clocks.boot() < self.follower.deadline
        self.lapses += self._held and not held
        self._held = held

    def _stepped(self) -> None:
        follower = self.follower
        if follower.era != self._era:
            self._era = follower.era
            self._flush()
        if len(follower.index.keys) != len(self._keyring.revoked):
            self._keyring.revoke(follower.index.keys)
            self._keys_asked_at = self._clocks.boot()
        if follower.news:
            news, follower.news = follower.news, []
            self._tell(news)
        self.waiters.reached(follower.applied)
        self._held = self._held or self._clocks.boot() < follower.deadline
        if self._keyring.is_loaded and self._clocks.boot() < follower.deadline:
            self.leased.set()

    def _do(self, action: Action) -> Heard:
        try:
            if self._is_open and not isinstance(action, Open):
                self._read_keys_when_due()
            return self._perform(action)
        except Misconfigured:
            if not self.leased.is_set():
                raise
            _log.exception("the log cannot be used any more")
        except Unavailable as error:
            _log.warning("the log is unavailable: %s", error)
        except Exception:  # noqa: BLE001  (whatever a store raises: without a lease nothing is served, so trying again is safe)
            _log.exception("following the log failed")
        self.failures += 1
        return Failed()

    def _perform(self, action: Action) -> Heard:
        log = self._log
        match action:
            case Wait(timeout_s):
                self._wait(timeout_s)
                return Waited()
            case SendBeat(beat):
                # Read before the beat: what is committed after this ends the wait that follows.
                self._version = log.version()
                return log.beat(beat)
            case TakeSnapshot():
                return log.snapshot()
            case Ack(verifier, applied):
                return Acked(applied, log.ack(verifier, applied))
            case Register(verifier):
                log.register(verifier)
                return Registered()
            case Open():
                return self._open()
            case _:
                assert_never(action)

    def _open(self) -> Opened:
        if self._is_open:
            self._is_open = False
            self._log.close()
        staleness = self._log.open()
        self._is_open = True
        if self._wanted is not None and staleness != self._wanted:
            raise Misconfigured(f"the log header says {staleness}, but this verifier was told {self._wanted}")
        self._opened(staleness)
        return Opened(staleness)

    def _wait(self, timeout_s: float) -> None:
        if self._is_open and not self._nudge.is_set():
            self._log.wait(self._version, timeout_s)
        else:
            self._nudge.wait(timeout_s)
        self._nudge.clear()

    def _read_keys_when_due(self) -> None:
        begun = self._clocks.boot()
        rest_s = KEYS_EVERY_S if self._keyring.is_loaded else KEYS_AGAIN_S
        if self._keys_asked_at <= self._keys_tried_at and begun < self._keys_tried_at + rest_s:
            return
        try:
            self._keyring.take(self._log.key_set(), self.follower.index.keys)
            self._keys_read_at = begun
        except (Misconfigured, Unavailable) as error:
            # The keys stay as they are: trouble with them is no reason to give up what can still be verified.
            _log.warning("the published key set cannot be read: %s", error)
        finally:
            with self._keys:
                self._keys_tried_at = begun
                self._keys.notify_all()

    def _leave(self) -> None:
        self.follower.leave()
        if not self._is_open:
            return
        try:
            self._log.deregister(self.follower.verifier)
        except Exception:  # noqa: BLE001  (whatever a store raises: the row will be swept, and the thread ends anyway)
            _log.warning("could not deregister, the row will be swept", exc_info=True)
        finally:
            self._log.close()
