"""Everything that a store keeps, as plain dictionaries under one lock."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Condition

from tallystick.audit import AuditEntry
from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.keys.lifecycle import SigningKey
from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import (
    CUTS,
    EVERYTHING,
    GENESIS,
    ORIGIN,
    Ending,
    Kind,
    Position,
    Revocation,
    place,
)
from tallystick.core.secret import Digest
from tallystick.core.session.handle import Handle
from tallystick.core.session.model import BrowserHolder, Session
from tallystick.identity.account import Account
from tallystick.identity.throttle import Attempts
from tallystick.oauth.client import Client
from tallystick.ports import (
    Cuts,
)
from tallystick.stores.answering import Head


@dataclass(slots=True)
class VerifierRow:
    """A registered verifier.

    Args:
        acked: the position that it has acked.
        registered: how often it has registered.
        doubted: it must register again before its next lease.
    """

    acked: Position = ORIGIN
    registered: int = 1
    doubted: bool = False


@dataclass(slots=True)
class State:
    """What is kept. Hold `changed` (a lock) for every access; it is notified of every change."""

    staleness: Staleness | None = None
    sessions: MutableMapping[SessionId, Session] = field(default_factory=dict)
    accounts: MutableMapping[PrincipalId, Account] = field(default_factory=dict)
    clients: MutableMapping[ClientId, Client] = field(default_factory=dict)
    keys: tuple[SigningKey, ...] = ()
    keys_version: int = 0
    cuts: dict[Ending, Position] = field(default_factory=dict)
    log: list[Revocation] = field(default_factory=list)
    head: Head = field(default_factory=lambda: Head(ORIGIN, GENESIS, ORIGIN, GENESIS, ORIGIN))
    verifiers: dict[str, VerifierRow] = field(default_factory=dict)
    attempts: dict[str, Attempts] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    handles: MutableMapping[Digest, Handle] = field(default_factory=dict)
    audit: list[AuditEntry] = field(default_factory=list)
    version: int = 0
    changed: Condition = field(default_factory=Condition)

    def begin(self, staleness: Staleness, now: int) -> None:
        """Begins the log."""
        self.staleness, start = staleness, Position(now, 0)
        self.head = Head(start, GENESIS, start, GENESIS, ORIGIN)

    def tell(self) -> None:
        """Says that something changed."""
        self.version += 1
        self.changed.notify_all()

    def cuts_of(self, principal: PrincipalId | None, client: ClientId | None) -> Cuts:
        """Gives the newest cuts that concern a principal and a client."""
        return Cuts(
            self.cuts.get(Ending(Kind.PRINCIPAL, principal), ORIGIN) if principal else ORIGIN,
            self.cuts.get(Ending(Kind.CLIENT, client), ORIGIN) if client else ORIGIN,
            self.cuts.get(EVERYTHING, ORIGIN),
        )

    def stands(self, session: Session) -> bool:
        """Tells whether a session has not ended and is not older than a cut."""
        return session.ended is None and self.cuts_of(session.principal, session.client).newest <= session.born

    def of_cookie(self, digest: Digest) -> Session | None:
        """Finds the session of a cookie's digest, current before previous."""
        held = [one for one in self.sessions.values() if isinstance(one.holder, BrowserHolder)]
        current = (one for one in held if isinstance(one.holder, BrowserHolder) and one.holder.cookie == digest)
        before = (one for one in held if isinstance(one.holder, BrowserHolder) and one.holder.previous == digest)
        return next(current, None) or next(before, None)

    def append(self, entries: Sequence[Revocation]) -> None:
        """Adds placed entries to the log, with the durable cuts of those that are cuts."""
        self.log.extend(entries)
        for entry in entries:
            if entry.ending.kind in CUTS:
                self.cuts[entry.ending] = entry.position
        if entries:
            self.head = replace(self.head, position=entries[-1].position, chain=entries[-1].chain)

    def want_acks(self, position: Position) -> None:
        """Asks for acks of a position that the log has."""
        if self.head.ack_wanted < position <= self.head.position:
            self.head = replace(self.head, ack_wanted=position)

    def new_epoch(self, highest: Position, now: int) -> Position:
        """Begins a new epoch with an entry for everything, unless one has begun after what was seen."""
        if self.head.position.epoch <= highest.epoch:
            start = Position(max(highest.epoch + 1, self.head.position.epoch + 1, now), 0)
            self.head = Head(start, GENESIS, start, GENESIS, ORIGIN)
            self.append([place(GENESIS, Position(start.epoch, 1), EVERYTHING, now)])
            for row in self.verifiers.values():
                row.doubted = True
            self.tell()
        return self.head.position
