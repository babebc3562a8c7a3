"""The log in memory, for followers on other threads of this process."""

from __future__ import annotations

import time
from bisect import bisect
from collections.abc import Callable

from tallystick.core.keys.lifecycle import published
from tallystick.core.policy import Staleness
from tallystick.core.revocation.compaction import compact
from tallystick.core.revocation.entry import Position
from tallystick.core.revocation.feed import PAGE_ENTRIES_MAX, Answer, Beat, Snapshot
from tallystick.errors import Unavailable
from tallystick.stores.answering import answer_of, relate
from tallystick.stores.memory.state import State, VerifierRow


class MemoryLog:
    """A `Log` on a state in memory.

    Args:
        state: what is kept.
        clock: gives the instant, whole seconds.
    """

    def __init__(self, state: State, clock: Callable[[], int]) -> None:
        self._state, self._clock = state, clock
        self._woken = False

    def open(self) -> Staleness:
        """Gives the constants of the log header."""
        with self._state.changed:
            if self._state.staleness is None:
                raise Unavailable("the store has not been opened yet")
            return self._state.staleness

    def register(self, verifier: str) -> None:
        """Writes the verifier's row, or takes the doubt from it."""
        with self._state.changed:
            row = self._state.verifiers.setdefault(verifier, VerifierRow(registered=0))
            row.registered, row.doubted = row.registered + 1, False
            self._state.tell()

    def snapshot(self) -> Snapshot:
        """Gives a fold of the log."""
        with self._state.changed:
            head, retention_s = self._state.head, self.open().retention_s
            kept, floor = compact(self._state.log, self._clock(), retention_s, head.tail)
            return Snapshot(head.position, head.chain, kept, floor)

    def beat(self, beat: Beat) -> Answer:
        """Answers a beat."""
        with self._state.changed:
            self.open()
            head, row = self._state.head, self._state.verifiers.get(beat.verifier)
            log, after = self._state.log, bisect(self._state.log, beat.applied, key=lambda one: one.position)
            stored = log[after - 1].chain if after and log[after - 1].position == beat.applied else None
            relation = relate(beat.applied, beat.chain, head, stored)
            entries = log[after : after + PAGE_ENTRIES_MAX + 1] if relation.follows else []
            return answer_of(beat, head, relation, entries, registered=row is not None and not row.doubted)

    def ack(self, verifier: str, applied: Position) -> bool:
        """Writes what the verifier has applied; False if its row is gone."""
        with self._state.changed:
            row = self._state.verifiers.get(verifier)
            if row is None:
                return False
            row.acked = max(row.acked, applied)
            self._state.tell()
            return True

    def version(self) -> int:
        """Gives a number that changes with every commit."""
        with self._state.changed:
            return self._state.version

    def wait(self, version: int, timeout_s: float) -> None:
        """Returns at the next commit, when woken, or after the time-out."""
        deadline = time.monotonic() + timeout_s
        with self._state.changed:
            while self._state.version == version and not self._woken:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._state.changed.wait(left)
            self._woken = False

    def wake(self) -> None:
        """Makes a `wait` return now."""
        with self._state.changed:
            self._woken = True
            self._state.changed.notify_all()

    def key_set(self) -> bytes:
        """Gives the published key set."""
        with self._state.changed:
            return published(self._state.keys)

    def deregister(self, verifier: str) -> None:
        """Removes the verifier's row."""
        with self._state.changed:
            self._state.verifiers.pop(verifier, None)
            self._state.tell()

    def close(self) -> None:
        """Has nothing to close."""
