"""RevocationIndex: the fold of the log that a verifier keeps in memory, and what it says of a credential.

Theory of operation. The index only grows, so applying an entry twice, in another order, or merging two histories gives
the same verdicts. What is as old as the retention is forgotten by generations: a whole generation at once, first by
raising the floor to the newest position in it, only then by removing names. From the moment the floor is up, everything
that the generation could have ended is outdated, so no reader, whatever thread it runs on, finds neither. The names
themselves go a few thousand at a time, so that a verdict costs the same while a million are forgotten.

Entries that cover everything are the floor itself: both say "outdated if older than this". Keys are never forgotten.
Names of sessions are kept as plain texts in one set: 16 bytes of table at 60 % fill, 80 of text, 8 in the generation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeVar

from tallystick.core.ids import ClientId, KeyId, PrincipalId, SessionId
from tallystick.core.revocation.entry import ORIGIN, Kind, Position, Revocation

Item = TypeVar("Item")
FORGET_AT_ONCE = 5_000
"""How many names one call of `age` removes at most."""
GENERATIONS = 8
"""How many generations a retention is cut into: an entry lives at most an eighth longer than it must."""


class Verdict(Enum):
    """What the log says against a credential; the first that holds, in this order."""

    KEY_REVOKED = "its key was revoked"
    ENDED = "its session has ended"
    OUTDATED = "it is older than a change that concerns it"


class Covered(Protocol):
    """What the index must know of a credential; a SessionView is one."""

    @property
    def id(self) -> SessionId:
        """Its session."""

    @property
    def principal(self) -> PrincipalId:
        """Its principal."""

    @property
    def client(self) -> ClientId:
        """Its client."""

    @property
    def key(self) -> KeyId | None:
        """The key that signed it, if one did."""

    @property
    def tal(self) -> Position:
        """The log position before which everything was reflected in it."""


@dataclass(slots=True, eq=False)
class _Generation:
    closed_at: int = 0
    newest: Position = ORIGIN
    ended: list[str] = field(default_factory=list)
    cuts: list[tuple[Kind, str, Position]] = field(default_factory=list)


class RevocationIndex:
    """What has ended, by name. Written by one thread, read by any number without a lock.

    Everything minted before `floor` is outdated. The other public members are for reading only.
    """

    __slots__ = (
        "_again",
        "_generations",
        "_peak",
        "_tables",
        "clients",
        "ended",
        "floor",
        "keys",
        "principals",
        "sessions",
    )

    def __init__(self) -> None:
        self.floor: Position = ORIGIN
        self.ended: set[str] = set()
        self.keys: dict[str, Position] = {}
        self.clients: dict[str, Position] = {}
        self.principals: dict[str, Position] = {}
        self.sessions: dict[str, Position] = {}
        self._again: dict[str, int] = {}
        self._peak = 0
        self._generations = [_Generation()]
        self._tables = {
            Kind.PRINCIPAL: self.principals,
            Kind.OUTDATED_PRINCIPAL: self.principals,
            Kind.OUTDATED_SESSION: self.sessions,
            Kind.CLIENT: self.clients,
        }

    def __len__(self) -> int:
        """How many names it holds."""
        return len(self.ended) + len(self.keys) + len(self.clients) + len(self.principals) + len(self.sessions)

    def add(self, entry: Revocation) -> None:
        """Applies an entry; harmless if it was applied before."""
        position, kind, name = entry.position, entry.ending.kind, str(entry.ending.name)
        if kind is Kind.KEY:
            self.keys[name] = max(position, self.keys.get(name, ORIGIN))
            return
        if kind is Kind.ALL or kind is Kind.OUTDATED_ALL:
            self.raise_floor(position)
            return
        generation = self._generations[-1]
        if kind is Kind.SESSION:
            # The second entry of a name has its own place in a generation: the name leaves with the last of them.
            if name in self.ended:
                self._again[name] = self._again.get(name, 0) + 1
            self.ended.add(name)
            generation.ended.append(name)
        else:
            table = self._tables[kind]
            table[name] = max(position, table.get(name, ORIGIN))
            generation.cuts.append((kind, name, position))
        generation.newest = max(generation.newest, position)

    def raise_floor(self, position: Position) -> None:
        """Makes everything that was minted before a position outdated; never lowers the floor."""
        self.floor = max(self.floor, position)

    def covers(self, view: Covered) -> Verdict | None:
        """Tells what the log says against a credential, or None. Any entry counts; ended beats outdated."""
        tal = view.tal
        if self.keys and view.key in self.keys:
            return Verdict.KEY_REVOKED
        if view.id in self.ended:
            return Verdict.ENDED
        if self.clients and tal < self.clients.get(view.client, ORIGIN):
            return Verdict.ENDED
        if tal < self.floor:
            return Verdict.OUTDATED
        if self.principals and tal < self.principals.get(view.principal, ORIGIN):
            return Verdict.OUTDATED
        if self.sessions and tal < self.sessions.get(view.id, ORIGIN):
            return Verdict.OUTDATED
        return None

    def age(self, now: int, retention_s: int) -> None:
        """Forgets some of what has been here for the retention and up to an eighth longer; call it at every tick.

        Args:
            now: the ratchet of the wall clock, whole seconds; it never goes back.
            retention_s: how long every entry stays relevant.
        """
        newest = self._generations[-1]
        if newest.closed_at == 0:
            newest.closed_at = now + max(1, retention_s // GENERATIONS)
        if now >= newest.closed_at:
            newest.closed_at = now
            self._generations.append(_Generation())
        oldest = self._generations[0]
        if oldest is not self._generations[-1] and now >= oldest.closed_at + retention_s:
            self._forget(oldest)

    def _forget(self, generation: _Generation) -> None:
        self.raise_floor(generation.newest)
        self._peak = max(self._peak, len(self.ended))
        for name in _taken(generation.ended):
            times = self._again.pop(name, 0)
            if times > 1:
                self._again[name] = times - 1
            elif times == 0:
                self.ended.discard(name)
        for kind, name, position in _taken(generation.cuts):
            table = self._tables[kind]
            if table.get(name) == position:
                del table[name]
        if not generation.ended and not generation.cuts:
            del self._generations[0]
            if len(self.ended) * GENERATIONS < self._peak:
                # A set keeps the table of its best days until it grows again.
                self.ended, self._peak = set(self.ended), len(self.ended)

    def frozen(self) -> tuple[object, ...]:
        """Gives everything that decides verdicts, as one hashable value: equal values, equal verdicts."""
        tables = (self.keys, self.clients, self.principals, self.sessions)
        return (self.floor, frozenset(self.ended), *(frozenset(table.items()) for table in tables))


def _taken(items: list[Item]) -> list[Item]:
    taken = items[-FORGET_AT_ONCE:]
    del items[-FORGET_AT_ONCE:]
    return taken


def fold(entries: Iterable[Revocation], floor: Position = ORIGIN) -> RevocationIndex:
    """Gives the index of a history; the order of the entries does not matter."""
    index = RevocationIndex()
    index.raise_floor(floor)
    for entry in entries:
        index.add(entry)
    return index
