"""A new epoch in a restored database, with what has ended since the backup applied again; one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.audit import AuditEntry
from tallystick.core.keys.lifecycle import KeyState
from tallystick.core.revocation.entry import EVERYTHING, GENESIS, Ending, Kind, Revocation
from tallystick.errors import BackupRefused
from tallystick.stores.sql import audit_trail
from tallystick.stores.sql import statements as sql
from tallystick.stores.sql.commit import append
from tallystick.stores.sql.log_transactions import head_whole
from tallystick.stores.sql.transaction import Transaction

FORGET_HANDLES = "DELETE FROM ts_handle"
FORGET_VERIFIERS = "DELETE FROM ts_verifier"
FORGET_PREDECESSORS = "UPDATE ts_session SET previous = NULL, previous_until = 0, rotated_at = 0"
STATE_OF_KEY = "SELECT state FROM ts_key WHERE kid = $1"
REVOKE_KEY = f"UPDATE ts_key SET state = '{KeyState.REVOKED}', revoked_at = $2 WHERE kid = $1"  # noqa: S608
FORGET_ANNOUNCED = f"DELETE FROM ts_key WHERE state = '{KeyState.ANNOUNCED}'"  # noqa: S608
_OUTDATED = (Kind.OUTDATED_SESSION, Kind.OUTDATED_PRINCIPAL, Kind.OUTDATED_ALL)


def reapply(epoch: int, entries: Sequence[Revocation] | None, now: int) -> Transaction[int]:
    """Begins an epoch; gives how many sessions were ended by what was applied again.

    Args:
        epoch: its number, above every one that anybody has seen of this log.
        entries: the log since the backup; None ends everything.
        now: the instant.
    """
    before = yield from head_whole()
    if epoch <= before.position.epoch:
        raise BackupRefused(f"the epoch {epoch} lies before the backup's own")
    yield sql.NEW_EPOCH, (epoch, GENESIS)
    ended: dict[str, None] = {}
    if entries is None:
        endings = [EVERYTHING]
    else:
        endings = list(dict.fromkeys(one.ending for one in entries if one.ending.kind not in _OUTDATED))
        ended = yield from _end(endings, now)
        known = set(endings)
        endings += [one for one in (Ending(Kind.SESSION, name) for name in ended) if one not in known]
        # Whatever was minted from what the rows were then, is looked at again.
        endings.insert(0, Ending(Kind.OUTDATED_ALL, ""))
    placed = yield from append(endings, now)
    for entry in placed:
        if entry.ending.kind is Kind.SESSION:
            yield sql.PLACE_ENDING, (entry.ending.name, *entry.position)
        elif entry.ending.kind is Kind.KEY:
            yield from _revoke_key(entry.ending.name, now)
    for statement in (FORGET_HANDLES, FORGET_VERIFIERS, FORGET_PREDECESSORS):
        yield statement, ()
    facts = {"head": before.position.text(), "epoch": str(epoch), "log": "none" if entries is None else "supplied"}
    yield from audit_trail.append(
        [AuditEntry(now, "store.restored", actor="operator", facts=tuple(sorted(facts.items())))]
    )
    return len(ended)


def _end(endings: Sequence[Ending], now: int) -> Transaction[dict[str, None]]:
    ended: dict[str, None] = {}
    for ending in endings:
        if ending.kind is Kind.SESSION:
            found = yield sql.END_SESSION, (ending.name, now, "revoked")
            # Each that was bound to it has an entry of its own; this is for a log that an older version wrote.
            bound = yield sql.END_OPENED_FROM, (ending.name, now, 0)
            ended |= dict.fromkeys(row[0] for row in (*found, *bound))
    return ended


def _revoke_key(kid: str, now: int) -> Transaction[None]:
    found = yield STATE_OF_KEY, (kid,)
    if found:
        yield REVOKE_KEY, (kid, now)
        if found[0][0] == KeyState.ACTIVE:
            # It lay beside the lost one; the next start makes a key of its own.
            yield FORGET_ANNOUNCED, ()
        ((version,),) = yield sql.KEYS_VERSION, ()
        yield sql.RAISE_KEYS_VERSION, (version,)
