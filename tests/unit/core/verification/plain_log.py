"""A log in memory, as plain data: what every store must do, in the fewest lines. Also a real `Log` for threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Condition

from tallystick.core.credentials.view import CookieFill
from tallystick.core.policy import Staleness
from tallystick.core.revocation.compaction import compact
from tallystick.core.revocation.entry import EVERYTHING, GENESIS, ORIGIN, Ending, Position, Revocation, place
from tallystick.core.revocation.feed import Answer, Beat, Snapshot
from tallystick.core.secret import Digest
from tallystick.errors import Unavailable


@dataclass(slots=True)
class PlainLog:
    """All state of a log, and its rules; deepcopy copies it.

    Args:
        epoch: its incarnation.
        page: how many entries one answer carries.
    """

    epoch: int = 1
    page: int = 1000
    entries: list[Revocation] = field(default_factory=list)
    dropped: int = 0
    floor: Position = ORIGIN
    rows: dict[str, Position] = field(default_factory=dict)
    doubted: set[str] = field(default_factory=set)
    ack_wanted: Position = ORIGIN

    @property
    def head(self) -> Position:
        """The last position."""
        return self.entries[-1].position if self.entries else Position(self.epoch, self.dropped)

    @property
    def head_chain(self) -> bytes:
        """The chain hash there."""
        return self.entries[-1].chain if self.entries else GENESIS

    def append(self, ending: Ending, at: int = 1000, *, everywhere: bool = False) -> Position:
        """Appends an entry."""
        position = Position(self.epoch, self.head.seq + 1)
        self.entries.append(place(self.head_chain, position, ending, at))
        if everywhere:
            self.ack_wanted = position
        return position

    def restore(self, epoch: int, keep: int) -> None:
        """Is put back to its first entries, as a new incarnation that begins with an entry for everything."""
        del self.entries[keep:]
        self.floor = max(self.floor, self.head)
        self.epoch, self.entries, self.dropped = epoch, [], 0
        self.append(EVERYTHING)

    def snapshot_now(self, now: int = 1000, retention_s: int = 10**9) -> Snapshot:
        """Folds."""
        entries, floor = compact(self.entries, now, retention_s, self.floor)
        return Snapshot(self.head, self.head_chain, entries, floor)

    def answer(self, beat: Beat) -> Answer:
        """Answers a beat."""
        after = [entry for entry in self.entries if entry.position > beat.applied]
        known = {entry.position: entry.chain for entry in self.entries} | {Position(self.epoch, 0): GENESIS}
        return Answer(
            nonce=beat.nonce,
            registered=beat.verifier in self.rows and beat.verifier not in self.doubted,
            head=self.head,
            head_chain=self.head_chain,
            entries=tuple(after[: self.page]),
            more=len(after) > self.page,
            forked=known.get(beat.applied) != beat.chain,
            below_tail=False,
            ack_wanted=self.ack_wanted,
        )


class ThreadedLog:
    """A PlainLog behind a lock, as a follower's thread uses it; it can be told to be out of order."""

    def __init__(self, staleness: Staleness | None = None, keys: bytes = b'{"keys":[]}') -> None:
        self.staleness = staleness or Staleness(lease_s=0.6, beat_s=0.1, tick_slack_s=0.1)
        self.keys = keys
        self.log = PlainLog()
        self.broken: Exception | None = None
        self.fills: dict[Digest, CookieFill] = {}
        self.resolved: list[Sequence[Digest]] = []
        self.opened = self.closed = self.key_reads = self.beats = 0
        self._changed = Condition()
        self._version = 0
        self._woken = False

    def after_fork(self) -> None:
        """Replaces the lock, which a thread of the parent may hold for ever."""
        self._changed = Condition()

    def append(self, ending: Ending, *, everywhere: bool = False) -> Position:
        """Appends an entry, from any thread."""
        with self._changed:
            position = self.log.append(ending, everywhere=everywhere)
            self._version += 1
            self._changed.notify_all()
            return position

    def _sound(self) -> None:
        if self.broken is not None:
            raise self.broken

    def open(self) -> Staleness:
        """Counts."""
        self.opened += 1
        self._sound()
        return self.staleness

    def register(self, verifier: str) -> None:
        """Writes a row."""
        with self._changed:
            self._sound()
            self.log.rows[verifier] = ORIGIN
            self.log.doubted.discard(verifier)

    def snapshot(self) -> Snapshot:
        """Folds."""
        with self._changed:
            self._sound()
            return self.log.snapshot_now()

    def beat(self, beat: Beat) -> Answer:
        """Answers."""
        with self._changed:
            self._sound()
            self.beats += 1
            return self.log.answer(beat)

    def ack(self, verifier: str, applied: Position) -> bool:
        """Records."""
        with self._changed:
            self._sound()
            if verifier not in self.log.rows:
                return False
            self.log.rows[verifier] = applied
            return True

    def version(self) -> int:
        """Counts appends."""
        return self._version

    def wait(self, version: int, timeout_s: float) -> None:
        """Waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != version or self._woken, timeout_s)
            self._woken = False

    def wake(self) -> None:
        """Ends a wait."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def key_set(self) -> bytes:
        """Gives the keys."""
        self._sound()
        self.key_reads += 1
        return self.keys

    def registry(self) -> dict[str, Position]:
        """Gives who is registered."""
        with self._changed:
            return dict(self.log.rows)

    def resolve(self, digests: Sequence[Digest]) -> Sequence[CookieFill]:
        """Says what cookies stand for."""
        self._sound()
        self.resolved.append(tuple(digests))
        missing = CookieFill(self.log.head, 0, None, "missing")
        return [self.fills.get(digest, missing) for digest in digests]

    def deregister(self, verifier: str) -> None:
        """Removes a row."""
        with self._changed:
            self._sound()
            self.log.rows.pop(verifier, None)

    def close(self) -> None:
        """Counts."""
        self.closed += 1


OUT_OF_ORDER = Unavailable("out of order")
