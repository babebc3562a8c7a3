"""What a follower and a log say to each other, and the synchronous protocol of a log.

A follower registers, takes a snapshot, then sends beats. The answer to a beat is computed in one atomic step of the
log's store: head, chain, and everything after what the follower has applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import Position, Revocation

PAGE_ENTRIES_MAX = 10_000
"""The most entries that one answer carries; where there are more, `more` is set and the answer gives no lease."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A fold of the log: what a verifier that starts now needs.

    Args:
        position: everything up to here is in it.
        chain: the chain hash at that position.
        entries: the entries that are still relevant, in order of position.
        floor: tokens minted before this position are outdated: their entries may have been dropped.
    """

    position: Position
    chain: bytes
    entries: tuple[Revocation, ...]
    floor: Position


@dataclass(frozen=True, slots=True)
class Beat:
    """What a follower sends.

    Args:
        verifier: its id, random per process start.
        number: how many beats it has sent, this one included.
        nonce: 16 random bytes; an answer that does not carry the latest gives no lease.
        applied: the position up to which it has applied everything.
        chain: the chain hash at that position.
        acked: the position that it has acked with the log so far.
    """

    verifier: str
    number: int
    nonce: bytes
    applied: Position
    chain: bytes
    acked: Position


@dataclass(frozen=True, slots=True)
class Answer:
    """What the log answers to a beat, computed in one atomic step that began after the beat arrived.

    Args:
        nonce: the beat's.
        registered: the verifier's row is there and not doubted; if False it must register anew before any lease.
        head: the last position of the log.
        head_chain: the chain hash there.
        entries: what comes after `applied`, in order, dense; at most PAGE_ENTRIES_MAX.
        more: there are more entries than fit.
        forked: the log has no entry `applied` with that chain hash: it is another log, or an older one.
        below_tail: the entries after `applied` are not all kept any more: take a snapshot.
        ack_wanted: somebody waits until every verifier has acked this position.
    """

    nonce: bytes
    registered: bool
    head: Position
    head_chain: bytes
    entries: tuple[Revocation, ...]
    more: bool
    forked: bool
    below_tail: bool
    ack_wanted: Position


class Log(Protocol):
    """A log as a follower sees it: synchronous, called from the follower's own thread. Every call may raise Unavailable."""

    def open(self) -> Staleness:
        """Opens connections and gives the constants of the log header. Called in the process and thread that uses it."""

    def register(self, verifier: str) -> None:
        """Writes and commits the verifier's row, so that `everywhere` waits for it. Comes before the first beat."""

    def snapshot(self) -> Snapshot:
        """Gives a fold of the log, read in one atomic step."""

    def beat(self, beat: Beat) -> Answer:
        """Answers a beat."""

    def ack(self, verifier: str, applied: Position) -> bool:
        """Records durably that the verifier has applied everything up to a position; False if its row is gone."""

    def version(self) -> int:
        """Gives a number that changes with every commit of the log's store; read it before the beat that precedes `wait`."""

    def wait(self, version: int, timeout_s: float) -> None:
        """Returns when the version differs from the one given, when `wake` is called, or after the time-out."""

    def wake(self) -> None:
        """Makes a `wait` in another thread return now; safe from any thread."""

    def key_set(self) -> bytes:
        """Gives the published key set (a JWKS in JSON) as the store has it now."""

    def deregister(self, verifier: str) -> None:
        """Removes the verifier's row at a clean shutdown."""

    def close(self) -> None:
        """Closes connections; the log may be opened again (after a fork, by the child)."""
