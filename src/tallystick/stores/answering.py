"""The answer to a beat, from what one atomic read of the log gave; the same for every store.

Theory of operation. A follower says what it has applied and the chain there. If this log has that entry with that chain,
everything after it is news. If not, the log is another one, or an older copy of itself: nobody may renew on it until a new
epoch has begun. A follower that stands in an older epoch than ours is past the point where that was settled: it takes a
snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tallystick.core.revocation.entry import GENESIS, Position, Revocation
from tallystick.core.revocation.feed import PAGE_ENTRIES_MAX, Answer, Beat


@dataclass(frozen=True, slots=True)
class Head:
    """The head row of a log.

    Args:
        position: the last position.
        chain: the chain hash there.
        tail: everything after this position is kept.
        tail_chain: the chain hash there.
        ack_wanted: the position that somebody waits to see acked.
    """

    position: Position
    chain: bytes
    tail: Position
    tail_chain: bytes
    ack_wanted: Position


@dataclass(frozen=True, slots=True)
class Relation:
    """How a follower's place relates to a log.

    Args:
        forked: the log has no entry there with that chain.
        below_tail: what comes after it is not all kept, or is in a later epoch.
    """

    forked: bool
    below_tail: bool

    @property
    def follows(self) -> bool:
        """Whether what comes next can be handed out."""
        return not (self.forked or self.below_tail)


def relate(applied: Position, chain: bytes, head: Head, stored: bytes | None) -> Relation:
    """Relates what a follower has applied to a log.

    Args:
        applied: the position that the follower has applied.
        chain: its chain hash there.
        head: the head row.
        stored: the chain hash that the log has at that position, if it keeps the entry.
    """
    if applied.epoch != head.position.epoch:
        contradicted = stored is not None and stored != chain
        return Relation(forked=applied > head.position or contradicted, below_tail=True)
    if applied > head.position:
        return Relation(forked=True, below_tail=False)
    known = stored
    if applied == head.position:
        known = head.chain
    elif applied == head.tail:
        known = head.tail_chain
    elif applied.seq == 0:
        known = GENESIS
    below = applied < head.tail
    if known is None:
        return Relation(forked=not below, below_tail=below)
    return Relation(forked=known != chain, below_tail=below)


def answer_of(beat: Beat, head: Head, relation: Relation, entries: Sequence[Revocation], *, registered: bool) -> Answer:
    """Gives the answer to a beat.

    Args:
        beat: what the follower sent.
        head: the head row.
        relation: how the follower's place relates to the log.
        entries: what comes after it, at most PAGE_ENTRIES_MAX + 1, read in the same step; empty if it does not follow.
        registered: the verifier's row is there and not doubted.
    """
    return Answer(
        nonce=beat.nonce,
        registered=registered,
        head=head.position,
        head_chain=head.chain,
        entries=tuple(entries[:PAGE_ENTRIES_MAX]),
        more=len(entries) > PAGE_ENTRIES_MAX,
        forked=relation.forked,
        below_tail=relation.below_tail,
        ack_wanted=head.ack_wanted,
    )
