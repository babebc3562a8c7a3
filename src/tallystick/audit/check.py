"""Is a trail what was written? Of an export, line by line, or of the entries of a store.

Theory of operation. Every line is written in exactly one way, so a line that was touched anywhere differs from what is
written for what it says, or from its chain. A line that was removed, inserted, doubled or moved breaks the count, or the
chain of the next one. The closing line names where an export begins and ends (for a store, its head does), so that the
first and the last lines cannot be taken away either.

All of that could be written anew by somebody who changes everything from one line on. So checkpoints lie in the trail:
entries with a proof under the root key of the chain at an earlier place; and a closing line carries one too. Whoever has
only the database, or only the file, cannot make them. A process makes one every few minutes, when it begins and when it
ends, so what goes on for an hour without one was not written by tallystick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tallystick.audit.entry import GENESIS, AuditEntry, placed
from tallystick.audit.lines import (
    CHECKPOINT,
    CHECKPOINT_PURPOSE,
    CLOSING_PURPOSE,
    SWEPT,
    Closing,
    checkpoint_message,
    closing_message,
    proof_in,
    read_line,
)

UNPROVED_MAX_S = 3600
"""How much later than an entry that no checkpoint covers another one may be, seconds between their instants."""
_REMEMBERED = 10_000
_PROOFS = frozenset({CHECKPOINT, SWEPT})
IsMac = Callable[[str, bytes, bytes], bool]
"""Tells whether a proof is one of a message for a purpose (`ports.Sealer.is_mac`)."""


@dataclass(frozen=True, slots=True)
class Good:
    """The trail is whole.

    Args:
        entries: how many there are.
        last: the place of the last one.
        chain: the chain at it.
        checkpoints: how many proofs under the root key were checked and held.
        proved: the place up to which they prove it.
    """

    entries: int
    last: int
    chain: bytes
    checkpoints: int
    proved: int


@dataclass(frozen=True, slots=True)
class Broken:
    """The trail is not what was written.

    Args:
        line: where it shows, counted from 1.
        why: in words.
    """

    line: int
    why: str


class _Found(Exception):
    """Carries what is wrong out of the walk."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.broken = Broken(line, why)


def verify_lines(lines: Iterable[str], is_mac: IsMac | None = None) -> Good | Broken:
    """Checks an export.

    Args:
        lines: without their line ends.
        is_mac: checks proofs; None where there is no root key, and then the chain alone is checked.
    """
    walk, closing = Walk(is_mac), None
    try:
        for number, line in enumerate(lines, 1):
            walk.line = number
            read = read_line(line)
            if read is None:
                raise _Found(number, "it is not as it was written")
            if closing is not None:
                raise _Found(number, "there is something after the closing line")
            if isinstance(read, Closing):
                closing = read
                walk.close(read)
            else:
                walk.follow(read)
        if closing is None:
            raise _Found(walk.line + 1, "the closing line is missing: the end was cut off")
    except _Found as found:
        return found.broken
    return walk.good()


def verify_entries(
    entries: Iterable[AuditEntry],
    head: tuple[int, bytes],
    is_mac: IsMac | None = None,
    start: tuple[int, bytes] = (0, GENESIS),
) -> Good | Broken:
    """Checks entries as a store has them; the number of a line is that of an export.

    Args:
        entries: in order, all of them after the start.
        head: the place and the chain that the store says the last one has.
        is_mac: checks proofs.
        start: a place and the chain at it that are known to be good.
    """
    walk = Walk(is_mac, *start)
    for entry in entries:
        broken = walk.take(entry)
        if broken is not None:
            return broken
    return walk.end(head)


class _Seen(NamedTuple):
    """A place that was passed: its chain, and for an act its instant and its line."""

    chain: bytes
    begun: tuple[int, int] | None


@dataclass(slots=True)
class Walk:
    """Goes along a trail, one entry after the other, in bounded memory.

    Args:
        is_mac: checks proofs; None where there is no root key.
        last: the place that the walk begins after, and later the last one that was taken.
        chain: the chain at it.
        anchor: the chain before the first entry, where a sweep or the closing line has told it.
    """

    is_mac: IsMac | None
    last: int = 0
    chain: bytes = GENESIS
    line: int = 0
    last_at: int = 0
    entries: int = 0
    checkpoints: int = 0
    proved: int = 0
    first: AuditEntry | None = None
    anchor: bytes | None = None
    open: tuple[int, int] | None = None
    seen: dict[int, _Seen] = field(default_factory=dict)

    def take(self, entry: AuditEntry) -> Broken | None:
        """Takes the next entry; gives what is wrong with it, if anything is."""
        self.line += 1
        try:
            self.follow(entry)
        except _Found as found:
            return found.broken
        return None

    def end(self, head: tuple[int, bytes]) -> Good | Broken:
        """Ends the walk where the store says that the trail ends."""
        try:
            self.settle_start()
            if (self.last, self.chain) != head:
                raise _Found(self.line + 1, f"the trail ends at {self.last}, where its head says {head[0]}")
            self.demand_proof()
        except _Found as found:
            return found.broken
        return self.good()

    def good(self) -> Good:
        """Gives the answer of a walk that came to its end."""
        return Good(self.entries, self.last, self.chain, self.checkpoints, self.proved)

    def follow(self, entry: AuditEntry) -> None:
        """Takes the next entry."""
        if not self.entries and entry.seq > self.last + 1:
            # What is before it may have been swept, or was not asked for: a sweep or the closing line must say so.
            self.first = entry
        elif entry.seq != self.last + 1:
            raise _Found(self.line, f"it has the place {entry.seq} where {self.last + 1} is due")
        elif placed(entry, entry.seq, self.chain).chain != entry.chain:
            raise _Found(self.line, "it was altered: its chain is not the chain of what it says")
        self.entries, self.last, self.chain, self.last_at = self.entries + 1, entry.seq, entry.chain, entry.at
        self._remember(entry)
        if entry.name in _PROOFS:
            self._prove(entry)
        elif self.open is None:
            self.open = (entry.at, self.line)

    def close(self, closing: Closing) -> None:
        """Takes the closing line."""
        begins = self.last + 1 - self.entries
        if not self.entries:
            self.last, self.chain = closing.after, closing.before
        elif closing.after != begins - 1:
            raise _Found(1, f"the export begins at {begins}, where the closing line says {closing.after + 1}")
        if (closing.last, closing.chain) != (self.last, self.chain):
            raise _Found(self.line, f"it says that the last place is {closing.last}; before it is {self.last}")
        if closing.after == 0 and closing.before != GENESIS:
            raise _Found(self.line, "it begins at the first entry with another chain than every trail does")
        if self.is_mac is not None and not self.is_mac(CLOSING_PURPOSE, closing_message(closing), closing.mac):
            raise _Found(self.line, "its proof is not one of this root key")
        self.checkpoints += self.is_mac is not None
        self.proved = self.last if self.is_mac is not None else self.proved
        self.anchor = closing.before
        self.settle_start()

    def settle_start(self) -> None:
        """Checks the first entry, once it is known what was before it."""
        if self.first is None:
            return
        if self.anchor is None:
            raise _Found(1, f"the entries before place {self.first.seq} are missing")
        if placed(self.first, self.first.seq, self.anchor).chain != self.first.chain:
            raise _Found(1, "it was altered: its chain is not the chain of what it says")

    def demand_proof(self) -> None:
        """Misses the proofs that every process writes."""
        if self.is_mac is not None and self.open is not None and self.last_at - self.open[0] > UNPROVED_MAX_S:
            raise _Found(self.open[1], "no proof under the root key covers it, long after it was written")

    def _remember(self, entry: AuditEntry) -> None:
        begun = None if entry.name in _PROOFS else (entry.at, self.line)
        self.seen[entry.seq] = _Seen(entry.chain, begun)
        if len(self.seen) > _REMEMBERED:
            del self.seen[entry.seq - _REMEMBERED]

    def _prove(self, entry: AuditEntry) -> None:
        proof = proof_in(entry)
        if proof is None:
            raise _Found(self.line, "its proof is malformed")
        seq, chain, mac = proof
        known = self.seen.get(seq)
        if seq >= entry.seq or (known is not None and known.chain != chain):
            raise _Found(self.line, f"it proves another chain than the one at place {seq}")
        if self.first is not None and seq == self.first.seq - 1:
            self.anchor = chain
        if self.is_mac is None:
            return
        if not self.is_mac(CHECKPOINT_PURPOSE, checkpoint_message(seq, chain), mac):
            raise _Found(self.line, "its proof is not one of this root key")
        self.checkpoints += 1
        self.proved = max(self.proved, seq)
        # Another process may have written between the place that is proved and the proof; proofs need none themselves.
        between = (self.seen[one] for one in range(seq + 1, entry.seq) if one in self.seen)
        self.open = next((act.begun for act in between if act.begun is not None), None)
