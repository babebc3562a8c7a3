"""The follower: hears the log, keeps the index, holds the lease. Without I/O: it says what to do and is told what came.

Theory of operation. The lease rests on four orders, each of which the explorer breaks once to see it matter:

* register, commit, then the first beat: whoever holds a lease stands in the registry that `everywhere` reads;
* the lease counts from the moment the beat was *sent*, and only the answer to the latest beat extends it, once
  everything up to the head it names is applied;
* entries, then `applied`, then the deadline, then the ack: a reader that finds the deadline finds the entries, and
  nobody is told of an entry that a reader could still miss;
* whatever is in doubt (a row that is gone, a log that contradicts what was heard, a clock that jumped) takes the lease
  or its renewal away first and is looked into afterwards.

The log forks when it does not know what this follower heard from it: a copy was put back, a failover lost what was
acknowledged. Then nobody renews in that epoch again. Beats go on, for they report the position that was seen, and only
a log of a higher epoch is followed, not before LS has passed; what was known is kept and merged, never less.

State is plain data: every field is hashable but `index` (use `index.frozen()`) and `news`, and deepcopy copies it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, assert_never

from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import GENESIS, ORIGIN, Position, Revocation, link
from tallystick.core.revocation.feed import Answer, Beat, Snapshot
from tallystick.core.revocation.index import RevocationIndex
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

NEVER = float("-inf")
STEP_S = 0.25
"""A wall clock that moves by more against the boot clock between two ticks takes the lease away."""
ALARM_S = 60.0
"""A wall clock that falls further behind its own ratchet was wrong before: everything judged by it is dropped."""
RETRY_S = 0.05
"""The first retry comes within this; each further one within twice the time, up to a beat."""


class Sent(NamedTuple):
    """The latest beat, while its answer is out.

    Args:
        nonce: of the beat.
        boot: the boot clock before it was sent.
        applied: what it said was applied.
    """

    nonce: bytes
    boot: float
    applied: Position


@dataclass(slots=True, eq=False)
class Follower:
    """One verifier's memory of the log. `deadline`, `index`, `applied` and `offset` may be read from any thread.

    Args:
        verifier: its id, random per process start.
    """

    verifier: str
    staleness: Staleness = field(default_factory=Staleness)
    index: RevocationIndex = field(default_factory=RevocationIndex)
    deadline: float = NEVER
    """The boot-clock instant from which on the index may not be trusted."""
    offset: float = 0.0
    """What to add to the boot clock to get the ratchet of the wall clock."""
    applied: Position = ORIGIN
    chain: bytes = GENESIS
    era: int = 0
    """Moves when what was read before must not be kept in caches."""
    news: list[Revocation] = field(default_factory=list)
    """What was applied since the driver last emptied it."""
    beats: int = 0
    is_open: bool = False
    is_registered: bool = False
    wants_snapshot: bool = True
    acked: Position = ORIGIN
    ack_wanted: Position = ORIGIN
    sent: Sent | None = None
    barred_epoch: int = -1
    """The highest epoch in which no lease is taken any more."""
    resume_at: float = NEVER
    highest: Position = ORIGIN
    beyond: tuple[Position, float] | None = None
    failures: int = 0
    next_at: float = NEVER
    """The boot-clock instant of the next beat or retry."""
    ratchet: float = 0.0
    gap: float | None = None

    @property
    def is_forked(self) -> bool:
        """Tells whether the epoch it is in is one in which it takes no lease any more."""
        return self.applied.epoch <= self.barred_epoch

    def step(self, heard: Heard, tick: Tick) -> Action:
        """Takes what came and gives what to do next.

        Args:
            heard: the outcome of the last action. Where a transport can delay or repeat, of an earlier one too; only a
                snapshot must be of the last request for one.
            tick: the world now.
        """
        self._read_clocks(tick)
        match heard:
            case Answer():
                self._hear(heard, tick)
            case Waited():
                self.next_at = self.next_at if self.failures else tick.boot
            case Snapshot():
                if self.wants_snapshot:
                    self._take(heard, tick)
            case Acked():
                self.is_registered = self.is_registered and heard.known
                self.acked = max(self.acked, heard.applied) if heard.known else ORIGIN
            case Registered():
                self.is_registered, self.acked, self.sent = True, ORIGIN, None
            case Opened():
                self.is_open, self.staleness = True, heard.staleness
            case Failed():
                self._retry_later(tick)
            case _:
                assert_never(heard)
        return self._next(tick)

    def heed(self, tal: Position, boot: float) -> None:
        """Takes note of a well-signed token whose `tal` lies beyond what is applied, seen at an instant of the boot clock.

        A log whose head is before it, in the answer to a beat that was sent later, has lost entries.
        """
        if self.beyond is None:
            self.beyond = tal, boot

    def leave(self) -> None:
        """Gives the lease back, before the row is removed at a clean shutdown."""
        self._drop_lease()
        self.is_registered = False

    def _read_clocks(self, tick: Tick) -> None:
        gap = tick.wall - tick.boot
        if self.gap is not None and abs(gap - self.gap) > STEP_S:
            self._drop_lease()
            self.next_at = tick.boot
        self.gap = gap
        if self.ratchet - tick.wall > ALARM_S:
            self._drop_lease()
            self.ratchet, self.index = tick.wall, RevocationIndex()
            self.applied, self.chain, self.wants_snapshot = ORIGIN, GENESIS, True
            self.era += 1
        self.ratchet = max(self.ratchet, tick.wall)
        self.offset = self.ratchet - tick.boot
        self.index.age(int(self.ratchet), self.staleness.retention_s)

    def _next(self, tick: Tick) -> Action:
        resting = tick.boot < self.next_at
        if resting and self.failures:
            return Wait(self.next_at - tick.boot)
        if not self.is_open:
            return Open()
        if not self.is_registered:
            return Register(self.verifier)
        if self.wants_snapshot:
            return TakeSnapshot()
        if not self.is_forked and self.acked < self.ack_wanted <= self.applied:
            return Ack(self.verifier, self.applied)
        if resting:
            return Wait(self.next_at - tick.boot)
        self.beats += 1
        self.next_at = tick.boot + self.staleness.beat_s
        self.sent = Sent(tick.noise[:16], tick.boot, self.applied)
        return SendBeat(Beat(self.verifier, self.beats, self.sent.nonce, self.applied, self.chain, self.acked))

    def _hear(self, answer: Answer, tick: Tick) -> None:
        sent = self.sent
        if sent is None or answer.nonce != sent.nonce:
            # An answer that was delayed or repeated: its entries are as good as any, its head proves nothing.
            if answer.head.epoch == self.applied.epoch and not answer.forked:
                self._apply(answer.entries)
            return
        self.sent, self.failures = None, 0
        if self.is_forked or answer.head.epoch > self.applied.epoch:
            self._await_new_epoch(answer, tick)
        elif self._contradicts(answer, sent) or not self._fits(answer):
            self._bar(tick)
        else:
            self._renew(answer, sent, tick)

    def _renew(self, answer: Answer, sent: Sent, tick: Tick) -> None:
        self.is_registered = self.is_registered and answer.registered
        self.wants_snapshot = answer.below_tail
        self.ack_wanted = max(self.ack_wanted, answer.ack_wanted)
        if answer.more or answer.below_tail or not answer.registered:
            self.next_at = tick.boot
        elif self.is_registered and self.applied >= answer.head:
            self.deadline = max(self.deadline, sent.boot + self.staleness.lease_s)

    def _contradicts(self, answer: Answer, sent: Sent) -> bool:
        if answer.forked or answer.head < sent.applied:
            return True
        if self.beyond is not None and sent.boot > self.beyond[1]:
            if answer.head < self.beyond[0]:
                return True
            self.beyond = None
        return False

    def _fits(self, answer: Answer) -> bool:
        return self._apply(answer.entries) and (self.applied != answer.head or self.chain == answer.head_chain)

    def _apply(self, entries: tuple[Revocation, ...]) -> bool:
        """Applies what comes next, densely and along the chain; False if it does not fit what was heard before."""
        for entry in entries:
            if entry.position <= self.applied:
                continue
            epoch, seq = self.applied
            follows = link(self.chain, entry.position, entry.ending, entry.appended_at)
            if entry.position != (epoch, seq + 1) or entry.chain != follows:
                return False
            self.index.add(entry)
            self.news.append(entry)
            self.chain, self.applied = entry.chain, entry.position
        self.highest = max(self.highest, self.applied)
        return True

    def _bar(self, tick: Tick) -> None:
        self._drop_lease()
        self.barred_epoch = self.applied.epoch
        self.resume_at = tick.boot + self.staleness.bound_s
        self.beyond = None

    def _await_new_epoch(self, answer: Answer, tick: Tick) -> None:
        if not self.is_forked:
            self._bar(tick)
        self.wants_snapshot = answer.head.epoch > self.barred_epoch and tick.boot >= self.resume_at
        self.is_registered = self.is_registered and answer.registered

    def _take(self, snapshot: Snapshot, tick: Tick) -> None:
        position = snapshot.position
        self.wants_snapshot, self.failures, self.next_at = False, 0, tick.boot
        if position.epoch <= self.barred_epoch:
            self.next_at = tick.boot + self.staleness.beat_s
            return
        if position < self.highest:
            self.applied, self.chain = self.highest, GENESIS
            self._bar(tick)
            return
        for entry in snapshot.entries:
            self.index.add(entry)
        self.index.raise_floor(snapshot.floor)
        self.news.extend(snapshot.entries)
        if position.epoch != self.highest.epoch:
            self.era += 1
        self.chain, self.applied, self.highest = snapshot.chain, position, position

    def _drop_lease(self) -> None:
        self.deadline, self.sent = NEVER, None

    def _retry_later(self, tick: Tick) -> None:
        self.is_open = False
        within = min(self.staleness.beat_s, RETRY_S * 2 ** min(self.failures, 16))
        self.failures += 1
        self.next_at = tick.boot + within * (0.5 + tick.noise[-1] / 512)
