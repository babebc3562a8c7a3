"""Forgets what may be forgotten, a bounded part of it per call."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.ports import Registered
from tallystick.stores.limits import (
    ATTEMPTS_AT_ONCE,
    DECAY_S,
    ENTRIES_AT_ONCE,
    SESSIONS_AT_ONCE,
    forgotten,
    tail_kept_s,
)
from tallystick.stores.sql import statements as sql
from tallystick.stores.sql.rows import entry_of
from tallystick.stores.sql.transaction import Transaction


def sweep_sessions(now: int, retention_s: int) -> Transaction[int]:
    """Removes sessions whose hard end is longer ago than the retention, with those bound to them."""
    old = yield sql.OLD_SESSIONS, (now - retention_s, SESSIONS_AT_ONCE)
    gone = 0
    for (name,) in old:
        gone += len((yield sql.DELETE_BOUND, (name,)))
        gone += len((yield sql.DELETE_SESSION, (name,)))
    return gone


def sweep_log(now: int, retention_s: int) -> Transaction[int]:
    """Removes entries at the tail of the log that no follower needs; entries for keys and the durable cuts stay."""
    found = yield sql.OLDEST_ENTRIES, (ENTRIES_AT_ONCE,)
    old = forgotten([entry_of(row) for row in found], now - tail_kept_s(retention_s))
    if not old:
        return 0
    last = old[-1]
    yield sql.DELETE_ENTRIES, tuple(last.position)
    yield sql.RAISE_TAIL, (*last.position, last.chain)
    return len(old)


def sweep_attempts(now: int) -> Transaction[int]:
    """Removes attempts that count for nothing any more."""
    return len((yield sql.OLD_ATTEMPTS, (now - DECAY_S, DECAY_S, ATTEMPTS_AT_ONCE)))


def remove_dead(verifiers: Sequence[Registered]) -> Transaction[int]:
    """Removes verifiers that have not registered again since they were doubted."""
    gone = 0
    for row in verifiers:
        gone += len((yield sql.REMOVE_DOUBTED, (row.name, row.times)))
    return gone
