"""The one commit, on plain dictionaries.

This is the contract in its shortest form: what another store does, it does as if it were this.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from dataclasses import replace

from tallystick.audit import GENESIS as GENESIS_OF_AUDIT
from tallystick.audit import AuditEntry
from tallystick.audit import placed as placed_in_audit
from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.revocation.entry import (
    Ending,
    Kind,
    Position,
    Revocation,
    place,
)
from tallystick.core.secret import Digest
from tallystick.core.session.decision import Append, EndSession, OpenSession, UpdateSession
from tallystick.core.session.handle import Handle
from tallystick.core.session.model import Because, Ended, ServiceHolder, Session
from tallystick.errors import AlreadyExists, Conflict
from tallystick.identity.account import Account
from tallystick.oauth.client import Client
from tallystick.ports import (
    Committed,
    DropHandles,
    PutAccount,
    PutClient,
    PutHandle,
    PutKeys,
    Record,
    RedeemHandle,
    Write,
)
from tallystick.stores.memory.state import State


def commit(state: State, writes: Sequence[Write], now: int, *, everywhere: bool) -> Committed:
    """Commits writes in order, all or nothing."""
    draft = Draft(state, now)
    for write in writes:
        draft.write(write)
    committed = draft.settled(all(isinstance(write, EndSession) for write in writes))
    draft.take_effect(committed)
    if everywhere:
        state.want_acks(committed.position)
    state.tell()
    return committed


class Draft:
    """A commit in the making: it reads through to the state and writes beside it, so that losing leaves no trace.

    Args:
        state: what is kept.
        now: the instant that it writes.
    """

    def __init__(self, state: State, now: int) -> None:
        self.state, self.now = state, now
        self.sessions: ChainMap[SessionId, Session] = ChainMap({}, state.sessions)
        self.accounts: ChainMap[PrincipalId, Account] = ChainMap({}, state.accounts)
        self.clients: ChainMap[ClientId, Client] = ChainMap({}, state.clients)
        self.handles: ChainMap[Digest, Handle] = ChainMap({}, state.handles)
        self.records: list[AuditEntry] = []
        self.keys: PutKeys | None = None
        self.endings: list[Ending] = []
        self.ended: dict[SessionId, int | None] = {}
        self.earlier: list[Position] = []
        self.shown: list[SessionId] = []
        self.reborn: list[SessionId] = []

    def write(self, write: Write) -> None:
        """Does one write; raises Conflict or AlreadyExists."""
        match write:
            case OpenSession():
                self._open(write)
            case UpdateSession():
                self._update(write)
            case EndSession():
                self._end(write)
            case Append(ending):
                if ending.kind is Kind.SESSION:
                    raise ValueError("a session is ended by EndSession")
                self.endings.append(ending)
            case PutAccount(account):
                self._put_account(account)
            case PutClient(client):
                self._demand(getattr(self.clients.get(client.id), "version", 0) == client.version, "client")
                self.clients[client.id] = replace(client, version=client.version + 1)
            case PutKeys():
                stored = self.state.keys_version if self.keys is None else self.keys.expecting + 1
                self._demand(stored == write.expecting, "set of keys")
                self.keys = write
            case PutHandle() | RedeemHandle() | DropHandles():
                self._write_handle(write)
            case Record(entry):
                self.records.append(entry)

    def _write_handle(self, write: PutHandle | RedeemHandle | DropHandles) -> None:
        match write:
            case PutHandle(handle):
                stored_handle = self.handles.get(handle.digest)
                self._demand((0 if stored_handle is None else stored_handle.version) == handle.version, "handle")
                self._demand(stored_handle is None or stored_handle.consumed_at is None, "handle")
                self.handles[handle.digest] = replace(handle, version=handle.version + 1)
            case RedeemHandle(digest, opened):
                found = self.handles.get(digest)
                if found is None or not found.good(found.kind, self.now):
                    raise Conflict("the handle is gone, was redeemed, or is past its time")
                self.handles[digest] = self._consumed(found, opened)
            case DropHandles(principal, kind):
                for one in list(self.handles.values()):
                    if one.principal == principal and one.kind == kind and one.consumed_at is None:
                        self.handles[one.digest] = self._consumed(one, None)

    def _consumed(self, handle: Handle, opened: SessionId | None) -> Handle:
        return replace(handle, version=handle.version + 1, consumed_at=self.now, opened=opened)

    def _demand(self, held: bool, what: str) -> None:
        if not held:
            raise Conflict(f"the {what} changed")

    def _demand_no_cut(self, session: Session) -> None:
        # The state's cuts, not this commit's: what it cuts itself does not count against it.
        newest = self.state.cuts_of(session.principal, session.client).newest
        self._demand(newest <= session.born, "authority behind the session")

    def _demand_version(self, session: Session) -> Session:
        stored = self.sessions.get(session.id)
        if stored is None or stored.ended is not None or stored.version != session.version:
            raise Conflict(f"session {session.id} changed or ended")
        return stored

    def _open(self, write: OpenSession) -> None:
        session = write.session
        self._demand_no_cut(session)
        if write.raises is not None:
            opener = self._demand_version(write.raises)
            self.sessions[opener.id] = replace(opener, version=opener.version + 1)
        if write.sole:
            self._demand(not any(self._serves(one, session.client) for one in self.sessions.values()), "service")
        self._demand(session.id not in self.sessions, "session")
        self.sessions[session.id] = session
        self.shown.append(session.id)

    def _serves(self, one: Session, client: ClientId | None) -> bool:
        same = isinstance(one.holder, ServiceHolder) and one.client == client
        return same and self.state.stands(one) and self.now < one.idle_end_at

    def _update(self, write: UpdateSession) -> None:
        session = write.session
        self._demand_no_cut(session)
        stored = self._demand_version(session)
        self.sessions[session.id] = replace(session, version=session.version + 1).used(stored.active_at)
        self.shown.append(session.id)
        if write.reborn:
            self.reborn.append(session.id)

    def _end(self, write: EndSession) -> None:
        name, stored = write.session, self.sessions.get(write.session)
        if stored is not None and stored.ended is None:
            self._mark(stored, write.because, logged=write.logged)
        elif write.logged and stored is not None and stored.ended is not None and stored.ended.position is not None:
            self.earlier.append(stored.ended.position)
        elif write.logged and self.ended.get(name) is None:
            # A row that is missing, or that only its clock had ended: verifiers must hear of it all the same.
            self._note(name, logged=True)
        children = sorted((one for one in self.sessions.values() if one.opened_from == name), key=lambda one: one.id)
        for child in children:
            if child.ended is None and (child.bound or write.offline):
                self._mark(child, "opener ended", logged=write.logged)

    def _mark(self, session: Session, because: Because, *, logged: bool) -> None:
        self.sessions[session.id] = replace(session, version=session.version + 1, ended=Ended(self.now, because, None))
        self._note(session.id, logged=logged)

    def _note(self, name: SessionId, *, logged: bool) -> None:
        self.ended[name] = len(self.endings) if logged else None
        if logged:
            self.endings.append(Ending(Kind.SESSION, name))

    def _put_account(self, account: Account) -> None:
        stored = self.accounts.get(account.id)
        self._demand((0 if stored is None else stored.version) == account.version, "account")
        if any(one.identifier == account.identifier and one.id != account.id for one in self.accounts.values()):
            raise AlreadyExists("the identifier is taken", public="There is an account with this address already.")
        self.accounts[account.id] = replace(account, version=account.version + 1)

    def settled(self, only_ends: bool) -> Committed:
        """Places the endings, and gives rows the positions that they wait for."""
        (epoch, seq), chain = self.state.head.position, self.state.head.chain
        placed: list[Revocation] = []
        for ending in self.endings:
            seq += 1
            placed.append(place(chain, Position(epoch, seq), ending, self.now))
            chain = placed[-1].chain
        for name, at in self.ended.items():
            row = self.sessions.get(name)
            if at is not None and row is not None and row.ended is not None:
                self.sessions[name] = replace(row, ended=replace(row.ended, position=placed[at].position))
        position = max(self.earlier) if self.earlier and only_ends and not placed else Position(epoch, seq)
        for name in self.reborn:
            self.sessions[name] = replace(self.sessions[name], born=position)
        shown = {name: self.sessions[name] for name in self.shown if name not in self.ended}
        return Committed(position, tuple(placed), shown)

    def take_effect(self, committed: Committed) -> None:
        """Moves what was written beside the state into it."""
        state = self.state
        for written, kept in (
            (self.sessions.maps[0], state.sessions),
            (self.accounts.maps[0], state.accounts),
            (self.clients.maps[0], state.clients),
            (self.handles.maps[0], state.handles),
        ):
            kept.update(written)  # type: ignore[arg-type]
        if self.keys is not None:
            state.keys, state.keys_version = self.keys.keys, self.keys.expecting + 1
        state.append(committed.revocations)
        for entry in self.records:
            before = state.audit[-1].chain if state.audit else GENESIS_OF_AUDIT
            state.audit.append(placed_in_audit(entry, len(state.audit) + 1, before))
