"""The audit trail in SQL: appended in the transaction of the act, read in pages."""

# ruff: noqa: S608  (only the constants of this room are put together here; values come as `$n`)

from __future__ import annotations

import json
from collections.abc import Sequence

from tallystick.audit import GENESIS, AuditEntry, placed
from tallystick.stores.sql.rows import Row
from tallystick.stores.sql.text import columns, placeholders
from tallystick.stores.sql.transaction import Transaction

AUDIT = (
    "seq", "at", "name", "actor", "principal", "session", "client", "network", "request", "because", "facts", "chain",
)  # fmt: skip
_PLACE_MAX = 2**62
# The first append makes the row; every other takes its lock, so that the order of commits is the order of places.
_TAKE = (
    "INSERT INTO ts_audit_head (one, seq, chain) VALUES (1, $1, $2)"
    " ON CONFLICT (one) DO UPDATE SET seq = ts_audit_head.seq + $1 RETURNING seq, chain"
)
_SET_CHAIN = "UPDATE ts_audit_head SET chain = $1 WHERE one = 1"
_INSERT = f"INSERT INTO ts_audit ({columns(AUDIT)}) VALUES ({placeholders(len(AUDIT))})"
_PAGE = f"SELECT {columns(AUDIT)} FROM ts_audit WHERE seq > $1 ORDER BY seq LIMIT $2"
_RECENT = f"SELECT {columns(AUDIT)} FROM ts_audit WHERE seq < $1 ORDER BY seq DESC LIMIT $2"
_RECENT_OF = f"SELECT {columns(AUDIT)} FROM ts_audit WHERE principal = $3 AND seq < $1 ORDER BY seq DESC LIMIT $2"
_HEAD = "SELECT seq, chain FROM ts_audit_head WHERE one = 1"


def append(entries: Sequence[AuditEntry]) -> Transaction[None]:
    """Appends entries in order."""
    ((last, chain),) = yield _TAKE, (len(entries), GENESIS)
    for seq, entry in enumerate(entries, last - len(entries) + 1):
        row = placed(entry, seq, chain)
        chain = row.chain
        yield _INSERT, _written(row)
    yield _SET_CHAIN, (chain,)


def page(after: int, limit: int) -> Transaction[list[AuditEntry]]:
    """Reads entries after a place, in order."""
    found = yield _PAGE, (after, limit)
    return [_entry(row) for row in found]


def recent(limit: int, before: int | None, principal: str | None) -> Transaction[list[AuditEntry]]:
    """Reads the newest entries, newest first."""
    start = _PLACE_MAX if before is None else before
    if principal is None:
        found = yield _RECENT, (start, limit)
    else:
        found = yield _RECENT_OF, (start, limit, principal)
    return [_entry(row) for row in found]


def head() -> Transaction[tuple[int, bytes]]:
    """Reads the place and the chain of the last entry."""
    found = yield _HEAD, ()
    return (found[0][0], found[0][1]) if found else (0, GENESIS)


def _written(entry: AuditEntry) -> tuple[object, ...]:
    facts = json.dumps(dict(entry.facts), sort_keys=True, separators=(",", ":"))
    return (
        entry.seq, entry.at, entry.name, entry.actor, entry.principal, entry.session, entry.client, entry.network,
        entry.request, entry.because, facts, entry.chain,
    )  # fmt: skip


def _entry(row: Row) -> AuditEntry:
    seq, at, name, actor, principal, session, client, network, request, because, facts, chain = row
    return AuditEntry(
        at, name, actor, principal, session, client, network, request, because,
        tuple(sorted(json.loads(facts).items())), seq, chain,
    )  # fmt: skip
