"""What a log does in SQL: beats, snapshots, registration, acks, a new epoch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from tallystick.core.policy import Staleness
from tallystick.core.revocation.compaction import compact
from tallystick.core.revocation.entry import EVERYTHING, GENESIS, Position, Revocation
from tallystick.core.revocation.feed import PAGE_ENTRIES_MAX, Answer, Beat, Snapshot
from tallystick.errors import Misconfigured
from tallystick.stores.answering import Head, Relation, answer_of, relate
from tallystick.stores.sql import statements as sql
from tallystick.stores.sql.commit import append
from tallystick.stores.sql.rows import Row, entry_of
from tallystick.stores.sql.transaction import Transaction

_ALL_ENTRIES = 2**62
EPOCH_MAX = 2**32 - 1


def _head_of(row: Row) -> Head:
    epoch, seq, chain, ack_epoch, ack_seq, tail_epoch, tail_seq, tail_chain = row[:8]
    return Head(Position(epoch, seq), chain, Position(tail_epoch, tail_seq), tail_chain, Position(ack_epoch, ack_seq))


def head_whole() -> Transaction[Head]:
    """Reads the head row."""
    (row,) = yield sql.HEAD_WHOLE, ()
    return _head_of(row)


def beat(sent: Beat) -> Transaction[tuple[Answer, Relation]]:
    """Answers a beat; gives the relation with it. Run it in one snapshot."""
    (row,) = yield sql.BEAT, (*sent.applied, sent.verifier)
    head, stored, doubted = _head_of(row), row[8], row[9]
    relation = relate(sent.applied, sent.chain, head, stored)
    entries: Sequence[Revocation] = ()
    if relation.follows and head.position > sent.applied:
        found = yield sql.ENTRIES_AFTER, (*sent.applied, PAGE_ENTRIES_MAX + 1)
        entries = [entry_of(one) for one in found]
    return answer_of(sent, head, relation, entries, registered=doubted == 0), relation


def snapshot(now: int, retention_s: int) -> Transaction[Snapshot]:
    """Folds the log. Run it in one snapshot.

    Args:
        now: the instant by the store's clock.
        retention_s: R of the log header.
    """
    (row,) = yield sql.HEAD_WHOLE, ()
    head = _head_of(row)
    found = yield sql.ENTRIES_AFTER, (0, 0, _ALL_ENTRIES)
    kept, floor = compact([entry_of(one) for one in found], now, retention_s, head.tail)
    return Snapshot(head.position, head.chain, kept, floor)


def register(verifier: str) -> Transaction[None]:
    """Writes a verifier's row, or takes the doubt from it."""
    yield sql.REGISTER, (verifier,)


def ack(verifier: str, applied: Position) -> Transaction[bool]:
    """Writes what a verifier has applied; False if its row is gone."""
    found = yield sql.VERIFIER, (verifier,)
    if found:
        yield sql.ACK, (verifier, *applied)
    return bool(found)


def deregister(verifier: str) -> Transaction[None]:
    """Removes a verifier's row."""
    yield sql.DEREGISTER, (verifier,)


def doubt(verifiers: Sequence[str]) -> Transaction[None]:
    """Marks verifiers, so that each must register again before its next lease."""
    for verifier in verifiers:
        yield sql.DOUBT, (verifier,)


def want_acks(position: Position) -> Transaction[None]:
    """Asks every verifier to ack a position."""
    yield sql.WANT_ACKS, tuple(position)


def begin_log(staleness: Staleness, now: int) -> Transaction[None]:
    """Writes the head row of a new log, with the constants of the deployment."""
    yield sql.BEGIN_HEAD, (now, GENESIS, written_staleness(staleness))


def new_epoch(highest: Position, now: int) -> Transaction[Position]:
    """Begins a new epoch with an entry for everything, unless one has begun after what was seen.

    Args:
        highest: the highest position that anybody has seen of this log.
        now: unix seconds; the epoch is not below them.

    Returns:
        The head.
    """
    (row,) = yield sql.HEAD_WHOLE, ()
    head = _head_of(row)
    if head.position.epoch > highest.epoch:
        return head.position
    epoch = max(highest.epoch + 1, head.position.epoch + 1, now)
    if epoch > EPOCH_MAX:
        raise Misconfigured(f"the epoch {epoch} does not fit into 32 bits")
    yield sql.NEW_EPOCH, (epoch, GENESIS)
    (entry,) = yield from append((EVERYTHING,), now)
    yield sql.DOUBT_ALL, ()
    return entry.position


def written_staleness(staleness: Staleness) -> str:
    """Gives the constants of the log header as the head row keeps them."""
    return json.dumps(asdict(staleness), sort_keys=True)


def staleness_of(text: str) -> Staleness:
    """Gives the constants that a head row keeps; raises Misconfigured if they are none."""
    try:
        return Staleness(**json.loads(text))
    except (TypeError, ValueError) as error:
        raise Misconfigured(f"the log header cannot be read: {error}") from None


def staleness() -> Transaction[Staleness | None]:
    """Reads the constants of the log header; None if there is no log yet."""
    found = yield sql.HEAD_WHOLE, ()
    return staleness_of(found[0][8]) if found else None
