"""Handles in SQL: put, redeemed exactly once, dropped, found, swept."""

# ruff: noqa: S608  (only the constants of this room are put together here; values come as `$n`)

from __future__ import annotations

import json

from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.revocation.entry import Position
from tallystick.core.secret import Digest
from tallystick.core.session.handle import Handle
from tallystick.errors import Conflict
from tallystick.ports import DropHandles, PutHandle, RedeemHandle
from tallystick.stores.sql.text import assignments, columns, placeholders
from tallystick.stores.sql.transaction import Transaction

HANDLE = (
    "digest", "version", "kind", "principal", "client", "session", "born_epoch", "born_seq", "created_at", "expires_at",
    "facts", "consumed_at", "opened",
)  # fmt: skip
_PUT = HANDLE[:11]
_INSERT = (
    f"INSERT INTO ts_handle ({columns(_PUT)}) VALUES ({placeholders(len(_PUT))})"
    " ON CONFLICT (digest) DO NOTHING RETURNING digest"
)
_UPDATE = (
    f"UPDATE ts_handle SET {assignments(_PUT[1:], 2)} WHERE digest = $1 AND version = $2 - 1"
    " AND consumed_at IS NULL RETURNING digest"
)
_REDEEM = (
    "UPDATE ts_handle SET version = version + 1, consumed_at = $2, opened = $3"
    " WHERE digest = $1 AND consumed_at IS NULL AND $2 < expires_at RETURNING digest"
)
_DROP = (
    "UPDATE ts_handle SET version = version + 1, consumed_at = $3"
    " WHERE principal = $1 AND kind = $2 AND consumed_at IS NULL"
)
_FIND = f"SELECT {columns(HANDLE)} FROM ts_handle WHERE digest = $1"
_SWEEP = (
    "DELETE FROM ts_handle WHERE digest IN"
    " (SELECT digest FROM ts_handle WHERE expires_at < $1 ORDER BY expires_at LIMIT $2) RETURNING digest"
)


def write(one: PutHandle | RedeemHandle | DropHandles, now: int) -> Transaction[None]:
    """Does one write of a commit; raises Conflict."""
    match one:
        case PutHandle(handle):
            yield from _put(handle)
        case RedeemHandle():
            yield from _redeem(one, now)
        case DropHandles():
            yield _DROP, (str(one.principal), one.kind, now)


def _put(handle: Handle) -> Transaction[None]:
    row = (
        bytes(handle.digest), handle.version + 1, handle.kind, _text(handle.principal), _text(handle.client),
        _text(handle.session), *handle.born, handle.created_at, handle.expires_at,
        json.dumps(dict(handle.facts), sort_keys=True, separators=(",", ":")),
    )  # fmt: skip
    if not (yield (_UPDATE if handle.version else _INSERT), row):
        raise Conflict("the handle changed, or is there already")


def _redeem(write: RedeemHandle, now: int) -> Transaction[None]:
    if not (yield _REDEEM, (bytes(write.digest), now, _text(write.opened))):
        raise Conflict("the handle is gone, was redeemed, or is past its time")


def find(digest: Digest) -> Transaction[Handle | None]:
    """Reads a handle."""
    found = yield _FIND, (bytes(digest),)
    if not found:
        return None
    (
        raw, version, kind, principal, client, session, epoch, seq, created_at, expires_at, facts, consumed_at, opened,
    ) = found[0]  # fmt: skip
    return Handle(
        Digest(raw),
        kind,
        version,
        Position(epoch, seq),
        created_at,
        expires_at,
        principal=None if principal is None else PrincipalId(principal),
        client=None if client is None else ClientId(client),
        session=None if session is None else SessionId(session),
        facts=json.loads(facts),
        consumed_at=consumed_at,
        opened=None if opened is None else SessionId(opened),
    )


def sweep(before: int, limit: int) -> Transaction[int]:
    """Removes handles whose time was over before an instant, at most so many."""
    return len((yield _SWEEP, (before, limit)))


def _text(name: str | None) -> str | None:
    return None if name is None else str(name)
