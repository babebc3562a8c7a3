"""The audit trail: who did what to whom, from where and why; append-only, each entry chained to the one before.

    chain_n = SHA-256(chain_{n-1} ‖ canonical form of entry n), chain_0 = 32 zero bytes

The canonical form is JSON in UTF-8 with sorted keys and no blanks, of every field but the chain. A new field gets a new
name and is left out of the canonical form where it is empty, so that old entries keep their chain.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

CHAIN_BYTES = 32
GENESIS = bytes(CHAIN_BYTES)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act.

    Args:
        at: instant, whole seconds.
        name: a stable dotted name, such as `session.opened`.
        actor: who did it: a principal, `operator:<name>`, or the empty text for somebody unknown.
        principal: to whom.
        session: in or to which session.
        client: by or to which client.
        network: from which address.
        request: the id of the request, which the log and the answer carry too.
        because: why, in the actor's words.
        facts: further words, never a secret.
        seq: its place, dense from 1 on; 0 for one that is not placed yet.
        chain: 32 bytes; empty for one that is not placed yet.
    """

    at: int
    name: str
    actor: str = ""
    principal: str = ""
    session: str = ""
    client: str = ""
    network: str = ""
    request: str = ""
    because: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    seq: int = 0
    chain: bytes = b""


def canonical(entry: AuditEntry) -> bytes:
    """Gives the bytes that the chain covers: every field but the chain, JSON with sorted keys."""
    written: dict[str, object] = {"at": entry.at, "facts": dict(entry.facts), "name": entry.name, "seq": entry.seq}
    for name in ("actor", "principal", "session", "client", "network", "request", "because"):
        if value := getattr(entry, name):
            written[name] = value
    return json.dumps(written, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "replace")


def placed(entry: AuditEntry, seq: int, before: bytes) -> AuditEntry:
    """Places an entry after another.

    Args:
        entry: what is recorded.
        seq: its place.
        before: the chain of the entry before it; GENESIS for the first.
    """
    at_place = replace(entry, seq=seq, chain=b"")
    return replace(at_place, chain=hashlib.sha256(before + canonical(at_place)).digest())
