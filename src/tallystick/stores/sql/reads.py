"""Reads: each is one statement, or several in one snapshot, with the position first and the cuts last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from tallystick.core.credentials.view import CookieFill
from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.keys.lifecycle import SigningKey
from tallystick.core.revocation.entry import ORIGIN, Position, Revocation
from tallystick.core.secret import Digest
from tallystick.core.session.model import Session
from tallystick.identity.account import Account
from tallystick.identity.throttle import Attempts
from tallystick.oauth.client import Client
from tallystick.ports import Cuts, Facts, Registered
from tallystick.stores.fills import CookieRow, fill_of
from tallystick.stores.limits import SESSIONS_MAX, last_use
from tallystick.stores.sql import statements as sql
from tallystick.stores.sql.rows import (
    ACCOUNT,
    CLIENT,
    SESSION,
    Row,
    account_of,
    client_of,
    entry_of,
    key_of,
    proofs_of,
    session_of,
    texts,
    words,
)
from tallystick.stores.sql.transaction import Transaction

_SESSION, _OPENER = 2, 2 + len(SESSION)
_ACCOUNT = _OPENER + len(SESSION)
_CLIENT = _ACCOUNT + len(ACCOUNT)
_CUTS = _CLIENT + len(CLIENT)
Found = TypeVar("Found")


def _position(epoch: int | None, seq: int | None) -> Position:
    return ORIGIN if epoch is None or seq is None else Position(epoch, seq)


def _cuts(found: Row) -> Cuts:
    return Cuts(_position(*found[:2]), _position(*found[2:4]), _position(*found[4:6]))


def facts_of_session(session: SessionId | Digest) -> Transaction[Facts]:
    """Loads a session with what it depends on."""
    if isinstance(session, Digest):
        (row,) = yield sql.FACTS_OF_COOKIE, (bytes(session),)
    else:
        (row,) = yield sql.FACTS_OF_SESSION, (str(session),)
    return Facts(
        Position(row[0], row[1]),
        session_of(row[_SESSION:_OPENER]),
        session_of(row[_OPENER:_ACCOUNT]),
        account_of(row[_ACCOUNT:_CLIENT]),
        client_of(row[_CLIENT:_CUTS]),
        _cuts(row[_CUTS:]),
    )


def facts_of_account(account: PrincipalId | str, client: ClientId | None = None) -> Transaction[Facts]:
    """Loads an account, and a client with it."""
    by_id = isinstance(account, PrincipalId)
    statement = sql.FACTS_OF_ACCOUNT_BY_ID if by_id else sql.FACTS_OF_ACCOUNT_BY_IDENTIFIER
    (row,) = yield statement, (str(account), None if client is None else str(client))
    middle, end = 2 + len(ACCOUNT), 2 + len(ACCOUNT) + len(CLIENT)
    return Facts(
        Position(row[0], row[1]),
        account=account_of(row[2:middle]),
        client=client_of(row[middle:end]),
        cuts=_cuts(row[end:]),
    )


def facts_of_client(client: ClientId) -> Transaction[Facts]:
    """Loads a client with its newest live service session."""
    (row,) = yield sql.FACTS_OF_CLIENT, (str(client),)
    end = _OPENER + len(CLIENT)
    return Facts(
        Position(row[0], row[1]),
        session=session_of(row[_SESSION:_OPENER]),
        client=client_of(row[_OPENER:end]),
        cuts=_cuts(row[end:]),
    )


def resolve(digests: Sequence[Digest], now: int) -> Transaction[list[CookieFill]]:
    """Reads what cookie digests stand for, from a narrow row each, all in one snapshot."""
    fills = []
    for digest in digests:
        (row,) = yield sql.VIEW_OF_COOKIE, (bytes(digest),)
        fills.append(fill_of(_cookie_row(row, digest), Position(row[0], row[1]), now))
    return fills


def _cookie_row(row: Row, digest: Digest) -> CookieRow | None:
    (
        _, _, sid, principal, cookie, previous_until, previous_level, authentications, born_epoch, born_seq, opened_at,
        active_at, idle, absolute, ended_at, permissions, enabled, *cuts,
    ) = row  # fmt: skip
    if sid is None:
        return None
    proofs = proofs_of(authentications)
    good_until = min(active_at + idle, opened_at + absolute)
    if not digest.matches(cookie):
        proofs, good_until = proofs[:previous_level], min(good_until, previous_until)
    newest_cut = max(_position(*cuts[:2]), _position(*cuts[2:4]))
    standing = ended_at is None and enabled == 1 and newest_cut <= (born_epoch, born_seq)
    return CookieRow(SessionId(sid), PrincipalId(principal), proofs, good_until, standing, words(permissions or ""))


def sessions_of(principal: PrincipalId) -> Transaction[list[Session]]:
    """Reads a principal's sessions that stand, newest first."""
    found = yield sql.SESSIONS_OF, (str(principal), SESSIONS_MAX)
    return _all(session_of, found)


def sessions_opened_from(session: SessionId) -> Transaction[list[Session]]:
    """Reads the sessions that were opened from one and stand, least recently used first."""
    found = yield sql.SESSIONS_OPENED_FROM, (str(session),)
    return sorted(_all(session_of, found), key=last_use)


def accounts(after: str, limit: int) -> Transaction[list[Account]]:
    """Reads accounts in order of identifier."""
    found = yield sql.ACCOUNTS, (after, limit)
    return _all(account_of, found)


def clients(after: str, limit: int) -> Transaction[list[Client]]:
    """Reads clients in order of id."""
    found = yield sql.CLIENTS, (after, limit)
    return _all(client_of, found)


def _all(decode: Callable[[Row], Found | None], rows: Sequence[Row]) -> list[Found]:
    return [one for row in rows if (one := decode(row)) is not None]


def audiences() -> Transaction[frozenset[str]]:
    """Reads the audiences of enabled clients."""
    found = yield sql.AUDIENCES, ()
    return frozenset(audience for (written,) in found for audience in texts(written))


def keys() -> Transaction[tuple[tuple[SigningKey, ...], int]]:
    """Reads all signing keys and the version of the set."""
    ((version,),) = yield sql.KEYS_VERSION, ()
    found = yield sql.KEYS, ()
    return tuple(key_of(row) for row in found), version


def attempts(names: Sequence[str]) -> Transaction[list[Attempts]]:
    """Reads the attempts kept under each key."""
    kept = []
    for name in names:
        found = yield sql.ATTEMPTS, (name,)
        kept.append(Attempts(*found[0]) if found else Attempts())
    return kept


def head() -> Transaction[Position]:
    """Reads the last position of the log."""
    ((epoch, seq),) = yield sql.HEAD, ()
    return Position(epoch, seq)


def log_page(after: Position, limit: int) -> Transaction[list[Revocation]]:
    """Reads entries after a position."""
    found = yield sql.ENTRIES_AFTER, (*after, limit)
    return [entry_of(row) for row in found]


def setting(name: str) -> Transaction[str | None]:
    """Reads a setting."""
    found = yield sql.SETTING, (name,)
    return found[0][0] if found else None


def registry() -> Transaction[list[Registered]]:
    """Reads the verifiers."""
    found = yield sql.VERIFIERS, ()
    return [Registered(name, times, doubted == 1, Position(epoch, seq)) for name, times, doubted, epoch, seq in found]
