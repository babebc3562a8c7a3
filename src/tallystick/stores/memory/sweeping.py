"""Forgets what may be forgotten."""

from __future__ import annotations

from dataclasses import replace

from tallystick.core.revocation.entry import Kind
from tallystick.identity.throttle import Attempts
from tallystick.stores.limits import DECAY_S, SESSIONS_AT_ONCE, forgotten, tail_kept_s
from tallystick.stores.memory.state import State


def sweep_rows(state: State, now: int, retention_s: int) -> int:
    """Removes sessions, entries, attempts and handles whose time is over; gives how many. Hold the lock."""
    gone = _sweep_sessions(state, now - retention_s) + _sweep_log(state, now - tail_kept_s(retention_s))
    decayed = [key for key, one in state.attempts.items() if _decayed(one, now - DECAY_S)]
    for key in decayed:
        del state.attempts[key]
    return gone + len(decayed) + _sweep_handles(state, now - retention_s)


def _sweep_sessions(state: State, before: int) -> int:
    sessions = state.sessions
    old = sorted((one for one in sessions.values() if one.hard_end_at < before), key=lambda one: one.hard_end_at)
    names = {one.id for one in old[:SESSIONS_AT_ONCE]}
    names |= {one.id for one in sessions.values() if one.bound and one.opened_from in names}
    for name in names:
        del sessions[name]
    return len(names)


def _sweep_handles(state: State, before: int) -> int:
    old = [one.digest for one in state.handles.values() if one.expires_at < before]
    for digest in old:
        del state.handles[digest]
    return len(old)


def _sweep_log(state: State, before: int) -> int:
    old = forgotten([one for one in state.log if one.ending.kind is not Kind.KEY], before)
    if old:
        last = old[-1]
        state.log = [one for one in state.log if one.position > last.position or one.ending.kind is Kind.KEY]
        if last.position > state.head.tail:
            state.head = replace(state.head, tail=last.position, tail_chain=last.chain)
    return len(old)


def _decayed(attempts: Attempts, before: int) -> bool:
    return attempts.last_at < before and attempts.last_at + attempts.failures * DECAY_S < before
