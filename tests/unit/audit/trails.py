"""Builds trails, as a store would, with proofs of a root key of the test."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.audit import GENESIS, AuditEntry, placed
from tallystick.audit.lines import (
    CHECKPOINT,
    CHECKPOINT_PURPOSE,
    CLOSING_PURPOSE,
    SWEPT,
    Closing,
    checkpoint_facts,
    checkpoint_message,
    closing_line,
    closing_message,
    line_of,
)
from tallystick.crypto.root_key import RootKey
from tallystick.crypto.sealer import RootSealer

SEALER = RootSealer(RootKey({1: bytes(range(200, 232))}))
STRANGER = RootSealer(RootKey({1: bytes(range(100, 132))}))
NASTY = 'a\r\nb\x1b[31m"\\\u2028\x9b\x7f {"closing":1}'


class Trail:
    """A trail that grows."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.now = 1000

    @property
    def head(self) -> tuple[int, bytes]:
        """The place and the chain of the last entry."""
        return (self.entries[-1].seq, self.entries[-1].chain) if self.entries else (0, GENESIS)

    def add(self, name: str = "session.opened", *, after_s: int = 1, **more: object) -> AuditEntry:
        """Records an act some seconds later."""
        self.now += after_s
        seq, chain = self.head
        fields = {"actor": "ada", "because": NASTY, "facts": (("holder", "browser"),), **more}
        self.entries.append(placed(AuditEntry(self.now, name, **fields), seq + 1, chain))  # type: ignore[arg-type]
        return self.entries[-1]

    def prove(self, at: int | None = None, *, sealer: RootSealer = SEALER, name: str = CHECKPOINT) -> AuditEntry:
        """Records a proof of the head, or of an earlier place."""
        seq, chain = self.head if at is None else (at, self.entries[at - 1].chain)
        mac = sealer.mac(CHECKPOINT_PURPOSE, checkpoint_message(seq, chain))
        return self.add(name, actor="", because="", facts=checkpoint_facts(seq, chain, mac))

    def sweep(self, through: int) -> None:
        """Removes old entries, after the proof of the last of them."""
        self.prove(through, name=SWEPT)
        self.entries = self.entries[through:]


def export(entries: Sequence[AuditEntry], *, after: int = 0, before: bytes = GENESIS) -> list[str]:
    """Gives the lines of an export."""
    last = (entries[-1].seq, entries[-1].chain) if entries else (after, before)
    closing = Closing(after, before, *last)
    mac = SEALER.mac(CLOSING_PURPOSE, closing_message(closing))
    return [*map(line_of, entries), closing_line(closing._replace(mac=mac))]


def a_trail(acts: int = 6) -> Trail:
    """Gives a trail of some acts with a proof in the middle and at the end."""
    trail = Trail()
    for number in range(acts):
        trail.add(principal=f"p{number}", session=f"s{number}")
        if number == acts // 2:
            trail.prove()
    trail.prove()
    return trail
