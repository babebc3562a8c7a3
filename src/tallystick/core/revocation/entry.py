"""An ending, not yet placed, and a revocation: an ending with its position in the log.

The rule for changing the format: a new kind gets a new number; numbers are never used again; what `canonical` gives
for an existing kind never changes, or every chain in the field breaks. Vectors in `spec/vectors` pin it.
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

CHAIN_BYTES = 16
GENESIS = bytes(CHAIN_BYTES)
"""The chain hash before the first entry of an epoch."""
_POSITION = re.compile(r"(0|[1-9][0-9]{0,9})\.(0|[1-9][0-9]{0,18})")


class Position(NamedTuple):
    """A place in the log: its incarnation (u32) and a dense number within it (u64); ordered as a pair."""

    epoch: int
    seq: int

    @classmethod
    def parse(cls, text: str) -> Position | None:
        """Gives the position that the text `epoch.seq` names (the `tal` claim), or None."""
        found = _POSITION.fullmatch(text)
        if found is None:
            return None
        epoch, seq = int(found[1]), int(found[2])
        return cls(epoch, seq) if epoch < 2**32 and seq < 2**63 else None

    def text(self) -> str:
        """Gives `epoch.seq`."""
        return f"{self.epoch}.{self.seq}"


ORIGIN = Position(0, 0)
"""Before every entry of every log."""


class Kind(IntEnum):
    """What an ending covers. Numbers are the wire form and are never used again."""

    SESSION = 1
    """By `sid`: ended, always."""
    PRINCIPAL = 2
    """By `sub`: outdated if older than the entry."""
    CLIENT = 3
    """By `client_id`: ended if older than the entry."""
    KEY = 4
    """By `kid`: rejected, always."""
    ALL = 5
    """Everything: outdated if older than the entry."""
    OUTDATED_SESSION = 6
    """By `sid`: look again if older than the entry."""
    OUTDATED_PRINCIPAL = 7
    """By `sub`: look again if older than the entry."""
    OUTDATED_ALL = 8
    """Everything: look again if older than the entry."""


CUTS = frozenset({Kind.PRINCIPAL, Kind.CLIENT, Kind.KEY, Kind.ALL})
"""Kinds that are also durable cuts: what is born before them is over, whether an entry is still in memory or not."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What shall end, not yet placed in the log.

    Args:
        kind: what it covers.
        name: the id of the session, principal, client or key; empty for everything.
    """

    kind: Kind
    name: str

    def __post_init__(self) -> None:
        if (self.kind in (Kind.ALL, Kind.OUTDATED_ALL)) != (self.name == ""):
            raise ValueError(f"an ending of kind {self.kind.name} {'takes no name' if self.name else 'needs a name'}")


EVERYTHING = Ending(Kind.ALL, "")


@dataclass(frozen=True, slots=True)
class Revocation:
    """An ending with its position. No reasons and no account data: those are in the audit trail.

    Args:
        position: its place in the log.
        ending: what it ends.
        appended_at: instant of the append by the store's clock, for audit and retention.
        chain: the hash over everything up to here, 16 bytes; finds forks.
    """

    position: Position
    ending: Ending
    appended_at: int
    chain: bytes


def canonical(position: Position, ending: Ending, appended_at: int) -> bytes:
    """Gives the bytes of an entry that the chain covers: epoch u32, seq u64, kind u8, appended_at u64, name in UTF-8."""
    return struct.pack(">IQBQ", position.epoch, position.seq, ending.kind, appended_at) + ending.name.encode()


def link(previous: bytes, position: Position, ending: Ending, appended_at: int) -> bytes:
    """Gives the chain hash of an entry after the previous one: SHA-256(previous ‖ entry), first 16 bytes."""
    return hashlib.sha256(previous + canonical(position, ending, appended_at)).digest()[:CHAIN_BYTES]


def place(previous: bytes, position: Position, ending: Ending, appended_at: int) -> Revocation:
    """Gives the revocation that an ending becomes at a position."""
    return Revocation(position, ending, appended_at, link(previous, position, ending, appended_at))
