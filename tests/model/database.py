"""The store of the models: what the contract says of a commit, as a function from one frozen value to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.revocation.entry import CUTS, ORIGIN, Ending, Kind, Position
from tallystick.core.session.decision import Append, Change, EndSession, OpenSession, UpdateSession
from tallystick.core.session.model import Ended, Session
from tallystick.core.session.standing import Standing

EPOCH = 1
ADA = PrincipalId.of(b"ada".ljust(16, b"."))
APP = ClientId("app")


@dataclass(frozen=True)
class Database:
    """Rows, cuts and log.

    Args:
        sessions: rows by id, sorted.
        log: the endings, in order; the position of the n-th is (1, n).
        password: ordinal of the account's password; raised by a change.
        enabled: the account is enabled.
    """

    sessions: tuple[Session, ...] = ()
    log: tuple[Ending, ...] = ()
    password: int = 0
    enabled: bool = True

    @property
    def head(self) -> Position:
        """The last position."""
        return Position(EPOCH, len(self.log))

    def session(self, name: SessionId) -> Session | None:
        """Gives a row."""
        return next((row for row in self.sessions if row.id == name), None)

    def newest_cut(self, principal: PrincipalId, client: ClientId | None) -> Position:
        """Gives the newest durable cut that concerns a principal and a client."""
        matching = {Ending(Kind.PRINCIPAL, principal), Ending(Kind.ALL, "")}
        if client is not None:
            matching.add(Ending(Kind.CLIENT, client))
        found = [n for n, one in enumerate(self.log, 1) if one.kind in CUTS and one in matching]
        return Position(EPOCH, found[-1]) if found else ORIGIN

    def standing(self, name: SessionId) -> Standing:
        """Reads a session with what it depends on, in one step."""
        row = self.session(name)
        opener = self.session(row.opened_from) if row is not None and row.opened_from is not None else None
        client = row.client if row is not None else None
        cut = self.newest_cut(row.principal, client) if row is not None else ORIGIN
        return Standing(self.head, row, opener, self.enabled, frozenset({"notes"}), cut)

    def put(self, row: Session) -> Database:
        """Gives the database with a row replaced or added."""
        others = [one for one in self.sessions if one.id != row.id]
        return replace(self, sessions=tuple(sorted((*others, row), key=lambda one: one.id)))

    def commit(self, changes: Sequence[Change], now: int) -> Database | None:
        """Commits changes in one step; None is a Conflict."""
        after = self
        reborn: list[SessionId] = []
        for change in changes:
            match change:
                case OpenSession():
                    opened = after.opened(change, self)
                    if opened is None:
                        return None
                    after = opened
                case UpdateSession(session=row, reborn=again):
                    stored = after.session(row.id)
                    if stored is None or stored.ended is not None or stored.version != row.version:
                        return None
                    if self.newest_cut(row.principal, row.client) > row.born:
                        return None
                    after = after.put(replace(row, version=row.version + 1))
                    reborn += [row.id] if again else []
                case EndSession():
                    after = after.ended(change, now)
                case Append(ending=ending):
                    after = replace(after, log=(*after.log, ending))
        for name in reborn:
            row = after.session(name)
            assert row is not None
            after = after.put(replace(row, born=after.head))
        return after

    def opened(self, change: OpenSession, before: Database) -> Database | None:
        """Opens a session, unless the one that it is opened from changed, or a cut came after its birth."""
        row, after = change.session, self
        if change.raises is not None:
            parent = after.session(change.raises.id)
            if parent is None or parent.ended is not None or parent.version != change.raises.version:
                return None
            after = after.put(replace(parent, version=parent.version + 1))
        if before.newest_cut(row.principal, row.client) > row.born:
            return None
        return after.put(row)

    def ended(self, change: EndSession, now: int) -> Database:
        """Ends a session and what is bound to it; one entry for each that was live."""
        after = self
        bound = [
            row.id
            for row in self.sessions
            if row.opened_from == change.session and (row.bound or change.offline) and row.id != change.session
        ]
        for name in (change.session, *bound):
            row = after.session(name)
            if row is None or row.ended is not None:
                continue
            if change.logged:
                after = replace(after, log=(*after.log, Ending(Kind.SESSION, name)))
            because = change.because if name == change.session else "opener ended"
            done = Ended(now, because, after.head if change.logged else None)
            after = after.put(replace(row, version=row.version + 1, ended=done))
        return after
