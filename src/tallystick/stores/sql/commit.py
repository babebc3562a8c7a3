"""The one commit: rows, durable cuts and log entries, all or nothing.

Theory of operation. First the rows, in the order of the writes; each that may be lost to somebody else says so by a
condition in its own statement. Last the log: positions are taken from the head row, whose lock is held to the end of the
transaction, so that the order of commits is the order of positions and an abort gives the numbers back. Cuts are written
last, so whatever this commit compares are the cuts as they stood before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tallystick.audit import AuditEntry
from tallystick.core.ids import SessionId
from tallystick.core.revocation.entry import CUTS, Ending, Kind, Position, Revocation, place
from tallystick.core.session.decision import Append, EndSession, OpenSession, UpdateSession
from tallystick.core.session.model import BrowserHolder, ServiceHolder, Session
from tallystick.errors import AlreadyExists, Conflict
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
from tallystick.stores.sql import audit_trail, handles
from tallystick.stores.sql import statements as sql
from tallystick.stores.sql.rows import (
    account_row,
    client_row,
    entry_row,
    holder_row,
    key_row,
    session_row,
    written_proofs,
    written_texts,
    written_words,
)
from tallystick.stores.sql.transaction import Transaction


@dataclass(slots=True)
class Draft:
    """What a commit has gathered so far.

    Args:
        now: the instant that it writes.
        head: the head of the log, once it was read.
        endings: what will be appended, in order.
        ended: sessions that it ended, each with the place of its entry in `endings`; None for an expiry.
        earlier: positions of endings that it met and that were written before.
        sessions: rows that it opened or updated.
        reborn: which of them are born at its last entry.
        records: what the audit trail gets.
    """

    now: int
    head: Position | None = None
    endings: list[Ending] = field(default_factory=list)
    ended: dict[SessionId, int | None] = field(default_factory=dict)
    earlier: list[Position] = field(default_factory=list)
    sessions: dict[SessionId, Session] = field(default_factory=dict)
    reborn: list[SessionId] = field(default_factory=list)
    records: list[AuditEntry] = field(default_factory=list)


def commit(writes: Sequence[Write], now: int, *, everywhere: bool) -> Transaction[Committed]:
    """Commits writes in order. Raises Conflict and AlreadyExists as the port says."""
    draft = Draft(now)
    for write in writes:
        yield from _write(draft, write)
    revocations = (yield from append(draft.endings, now)) if draft.endings else ()
    position = revocations[-1].position if revocations else (yield from _position(draft, writes))
    for name, at in draft.ended.items():
        if at is not None:
            yield sql.PLACE_ENDING, (str(name), *revocations[at].position)
    for name in draft.reborn:
        yield sql.SET_BORN, (str(name), *position)
        if name in draft.sessions:
            draft.sessions[name] = replace(draft.sessions[name], born=position)
    if draft.records:
        yield from audit_trail.append(draft.records)
    if everywhere:
        yield sql.WANT_ACKS, tuple(position)
    return Committed(position, revocations, draft.sessions)


def _write(draft: Draft, write: Write) -> Transaction[None]:
    match write:
        case UpdateSession():
            yield from _update(draft, write)
        case OpenSession():
            yield from _open(draft, write)
        case EndSession():
            yield from _end(draft, write)
        case Append(ending):
            if ending.kind is Kind.SESSION:
                raise ValueError("a session is ended by EndSession")
            draft.endings.append(ending)
        case PutAccount():
            yield from _put_account(write)
        case PutClient():
            yield from _put_client(write)
        case PutKeys():
            yield from _put_keys(write)
        case PutHandle() | RedeemHandle() | DropHandles():
            yield from handles.write(write, draft.now)
        case Record():
            draft.records.append(write.entry)


def append(endings: Sequence[Ending], now: int) -> Transaction[tuple[Revocation, ...]]:
    """Appends endings to the log, with the durable cuts of those that are cuts."""
    ((epoch, last, chain),) = yield sql.TAKE_POSITIONS, (len(endings),)
    placed = []
    for seq, ending in enumerate(endings, last - len(endings) + 1):
        entry = place(chain, Position(epoch, seq), ending, now)
        chain = entry.chain
        placed.append(entry)
        yield sql.INSERT_ENTRY, entry_row(entry)
        if ending.kind in CUTS:
            yield sql.UPSERT_CUT, (int(ending.kind), ending.name, epoch, seq)
    yield sql.SET_CHAIN, (chain,)
    return tuple(placed)


def _position(draft: Draft, writes: Sequence[Write]) -> Transaction[Position]:
    if draft.earlier and all(isinstance(write, EndSession) for write in writes):
        return max(draft.earlier)
    if draft.head is None:
        ((epoch, seq),) = yield sql.HEAD, ()
        draft.head = Position(epoch, seq)
    return draft.head


def _demand_no_cut(draft: Draft, session: Session) -> Transaction[None]:
    client = session.client
    concerning = (*session.born, str(session.principal), "" if client is None else str(client))
    ((epoch, seq, cuts),) = yield sql.HEAD_AND_CUTS, concerning
    draft.head = Position(epoch, seq)
    if cuts:
        raise Conflict(f"a cut lies after the birth of {session.id}")


def _update(draft: Draft, write: UpdateSession) -> Transaction[None]:
    session = write.session
    yield from _demand_no_cut(draft, session)
    granted = (
        written_words(session.scopes), written_texts(session.resources), written_proofs(session.authentications),
        *session.born,
    )  # fmt: skip
    which = (str(session.id), session.version, session.active_at)
    held = holder_row(session.holder)
    if isinstance(session.holder, BrowserHolder):
        clocks = session.clocks
        lives = (
            session.opened_at,
            clocks.idle_lifetime,
            clocks.absolute_lifetime,
            session.hard_end_at,
            session.label,
            session.network,
        )
        found = yield sql.UPDATE_BROWSER, (*which, *held[2:6], *granted, *lives)
    else:
        found = yield sql.UPDATE_APP, (*which, *held[6:9], *granted)
    if not found:
        raise Conflict(f"session {session.id} changed or ended")
    draft.sessions[session.id] = replace(session, version=session.version + 1, active_at=found[0][0])
    if write.reborn:
        draft.reborn.append(session.id)


def _open(draft: Draft, write: OpenSession) -> Transaction[None]:
    session = write.session
    yield from _demand_no_cut(draft, session)
    if write.raises is not None:
        opener = write.raises
        if not (yield sql.RAISE_VERSION, (str(opener.id), opener.version)):
            raise Conflict(f"session {opener.id} changed or ended")
    if write.sole and isinstance(session.holder, ServiceHolder):
        client = session.holder.client
        if (yield sql.LIVE_SERVICE, (str(client), draft.now)):
            raise Conflict(f"client {client} has a live session already")
    if not (yield sql.INSERT_SESSION, session_row(session)):
        raise Conflict(f"session {session.id} is there already")
    draft.sessions[session.id] = session


def _end(draft: Draft, write: EndSession) -> Transaction[None]:
    name, logged = write.session, write.logged
    if (yield sql.END_SESSION, (str(name), draft.now, write.because)):
        _ended(draft, name, logged=logged)
    elif logged:
        found = yield sql.ENDING_OF, (str(name),)
        if found and found[0][0] is not None:
            draft.earlier.append(Position(*found[0]))
        elif name not in draft.ended or draft.ended[name] is None:
            # A row that is missing, or that only its clock had ended: verifiers must hear of it all the same.
            _ended(draft, name, logged=True)
    opened = yield sql.END_OPENED_FROM, (str(name), draft.now, int(write.offline))
    for child in sorted(SessionId(row[0]) for row in opened):
        _ended(draft, child, logged=logged)


def _ended(draft: Draft, name: SessionId, *, logged: bool) -> None:
    draft.sessions.pop(name, None)
    draft.ended[name] = len(draft.endings) if logged else None
    if logged:
        draft.endings.append(Ending(Kind.SESSION, name))


def _put_account(write: PutAccount) -> Transaction[None]:
    account = write.account
    statement = sql.UPDATE_ACCOUNT if account.version else sql.INSERT_ACCOUNT
    if (yield statement, account_row(account)):
        return
    stored = yield sql.ACCOUNT_VERSION, (str(account.id),)
    if (stored[0][0] if stored else 0) != account.version:
        raise Conflict(f"account {account.id} changed")
    raise AlreadyExists("the identifier is taken", public="There is an account with this address already.")


def _put_client(write: PutClient) -> Transaction[None]:
    client = write.client
    statement = sql.UPDATE_CLIENT if client.version else sql.INSERT_CLIENT
    if not (yield statement, client_row(client)):
        raise Conflict(f"client {client.id} changed")


def _put_keys(write: PutKeys) -> Transaction[None]:
    if not (yield sql.RAISE_KEYS_VERSION, (write.expecting,)):
        raise Conflict("the signing keys changed")
    yield sql.DELETE_KEYS, ()
    for ordinal, key in enumerate(write.keys):
        yield sql.INSERT_KEY, (*key_row(key), ordinal)
