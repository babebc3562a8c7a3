"""An export of the audit trail: one JSON object a line, each written in exactly one way, then a closing line."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import NamedTuple

from tallystick.audit.entry import CHAIN_BYTES, AuditEntry

CHECKPOINT, SWEPT = "audit.checkpoint", "audit.swept"
CHECKPOINT_PURPOSE, CLOSING_PURPOSE = "audit-checkpoint", "audit-export"
_TEXTS = ("name", "actor", "principal", "session", "client", "network", "request", "because")
_NUMBERS = ("seq", "at")


class Closing(NamedTuple):
    """What the last line of an export says.

    Args:
        after: the place before the first entry.
        before: the chain at that place.
        last: the place of the last entry.
        chain: the chain at that place.
        mac: the proof of all this under the root key.
    """

    after: int
    before: bytes
    last: int
    chain: bytes
    mac: bytes = b""


def line_of(entry: AuditEntry) -> str:
    """Gives the one line that an entry is written as: ASCII, so that no sign in it can end or colour a line."""
    written: dict[str, object] = {"seq": entry.seq, "at": entry.at}
    written |= {name: getattr(entry, name) for name in _TEXTS}
    written |= {"facts": dict(sorted(entry.facts)), "chain": entry.chain.hex()}
    return _written(written)


def closing_line(closing: Closing) -> str:
    """Gives the closing line of an export."""
    words = {name: value.hex() if isinstance(value, bytes) else value for name, value in closing._asdict().items()}
    return _written({"closing": words})


def closing_message(closing: Closing) -> bytes:
    """Gives what the proof of a closing line covers: both places u64, then both chains."""
    return struct.pack(">QQ", closing.after, closing.last) + closing.before + closing.chain


def checkpoint_message(seq: int, chain: bytes) -> bytes:
    """Gives what a checkpoint proves: a place u64, then the chain at it."""
    return struct.pack(">Q", seq) + chain


def checkpoint_facts(seq: int, chain: bytes, mac: bytes) -> tuple[tuple[str, str], ...]:
    """Gives the facts of an entry that proves the chain at a place."""
    return (("chain", chain.hex()), ("mac", mac.hex()), ("seq", str(seq)))


def proof_in(entry: AuditEntry) -> tuple[int, bytes, bytes] | None:
    """Gives place, chain and proof of a checkpoint or of a sweep; None for another entry or one that is malformed."""
    words = dict(entry.facts)
    if entry.name not in (CHECKPOINT, SWEPT) or not words.get("seq", "").isdecimal():
        return None
    chain, mac = _bytes(words.get("chain")), _bytes(words.get("mac"))
    if chain is None or len(chain) != CHAIN_BYTES or mac is None or not _fits(int(words["seq"])):
        return None
    return int(words["seq"]), chain, mac


def read_line(line: str) -> AuditEntry | Closing | None:
    """Reads a line of an export; None if it is not exactly what would be written for what it says."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    read: AuditEntry | Closing | None
    if set(found) == {"closing"}:
        read = _closing(found["closing"])
        return read if read is not None and closing_line(read) == line else None
    read = _entry(found)
    return read if read is not None and line_of(read) == line else None


def _entry(found: Mapping[str, object]) -> AuditEntry | None:
    facts, chain = found.get("facts"), _bytes(found.get("chain"))
    if set(found) != {*_NUMBERS, *_TEXTS, "facts", "chain"} or not isinstance(facts, dict) or chain is None:
        return None
    texts = {name: found[name] for name in _TEXTS}
    numbers = {name: found[name] for name in _NUMBERS}
    if not all(isinstance(text, str) for text in (*texts.values(), *facts.values())):
        return None
    if not all(_fits(number) for number in numbers.values()):
        return None
    return AuditEntry(facts=tuple(sorted(facts.items())), chain=chain, **texts, **numbers)  # type: ignore[arg-type]


def _closing(found: object) -> Closing | None:
    if not isinstance(found, dict) or set(found) != set(Closing._fields):
        return None
    before, chain, mac = (_bytes(found[name]) for name in ("before", "chain", "mac"))
    if before is None or chain is None or mac is None or not (_fits(found["after"]) and _fits(found["last"])):
        return None
    return Closing(found["after"], before, found["last"], chain, mac)


def _fits(number: object) -> bool:
    return type(number) is int and 0 <= number < 2**63


def _bytes(text: object) -> bytes | None:
    try:
        return bytes.fromhex(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _written(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
