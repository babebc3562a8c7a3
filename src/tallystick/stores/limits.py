"""Numbers and small rules that every store shares: how much at once, how long the log is kept."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.core.revocation.entry import Revocation
from tallystick.core.session.model import AppHolder, Session

SESSIONS_MAX = 1000
"""The most sessions that a list of a principal's gives."""
SESSIONS_AT_ONCE = 500
ENTRIES_AT_ONCE = 5_000
ATTEMPTS_AT_ONCE = 1_000
HANDLES_AT_ONCE = 1_000
TAIL_S_MIN = 600
"""Entries are kept for at least so many seconds, so that a follower that was away for a while need not start anew."""
DECAY_S = 3600
"""No rule of the throttle takes longer to forget one failure."""


def tail_kept_s(retention_s: int) -> int:
    """Gives how long entries of the log are kept, seconds, for a retention R."""
    return max(2 * retention_s, TAIL_S_MIN)


def forgotten(oldest: Sequence[Revocation], before: int) -> list[Revocation]:
    """Gives the entries up to the first that is not old enough: what is kept after them has no gap."""
    found: list[Revocation] = []
    for entry in oldest:
        if entry.appended_at >= before:
            break
        found.append(entry)
    return found


def last_use(session: Session) -> int:
    """Gives the instant at which a session was used last; a bound one has no clock but its rotations."""
    holder = session.holder
    return max(session.active_at, holder.rotated_at) if isinstance(holder, AppHolder) else session.active_at
