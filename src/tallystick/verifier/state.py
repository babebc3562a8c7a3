"""What a verifier says of itself, and what stands in for a memory where none is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import ORIGIN, Position
from tallystick.core.revocation.index import RevocationIndex
from tallystick.verifier.clocks import Clocks


@dataclass(frozen=True, slots=True)
class VerifierState:
    """What an operator may want to know of a verifier, at one moment.

    Args:
        verifier: its id; empty if it follows nothing.
        leased: it may trust its memory.
        lease_age_s: seconds since the beat was sent from which its last lease counts; infinite without any.
        applied: the position up to which it has applied the log.
        entries: how many names its index holds.
        forked: the log contradicts what it heard before; it waits for a new epoch.
        counters: event → how often since the start: `first_seen` (signatures checked), `cookie_reads`, `beats`,
            `failures` (of the log), `lapses` (requests refused for want of a lease).
    """

    verifier: str
    leased: bool
    lease_age_s: float
    applied: Position
    entries: int
    forked: bool
    counters: Mapping[str, int]

    @property
    def epoch(self) -> int:
        """The incarnation of the log that it follows."""
        return self.applied.epoch


class Unfollowed:
    """The memory of a verifier that was told, by name, to know nothing of revocation: always good, always empty.

    Args:
        clocks: where the wall clock is read.
    """

    verifier = ""
    deadline = float("inf")
    applied = ORIGIN
    is_forked = False
    beats = 0

    def __init__(self, clocks: Clocks) -> None:
        self.index = RevocationIndex()
        self.staleness = Staleness()
        self._clocks = clocks

    @property
    def offset(self) -> float:
        """What to add to the boot clock to get the wall clock."""
        return self._clocks.wall() - self._clocks.boot()
