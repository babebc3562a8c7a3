"""What a cookie stands for, from the few columns that say it; the same for every store."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.core.credentials.view import CookieFill, SessionView
from tallystick.core.ids import BROWSER_CLIENT, PrincipalId, SessionId
from tallystick.core.revocation.entry import Position
from tallystick.core.session.model import Authentication


@dataclass(frozen=True, slots=True)
class CookieRow:
    """What was read of the session that a cookie names, and of its account.

    Args:
        id: the session.
        principal: whose it is.
        authentications: those that this cookie stands for, oldest first.
        good_until: the instant at which the cookie ends: idle or hard end; for a previous cookie, its own end too.
        standing: the row has not ended, the account is enabled, and no cut lies after its birth.
        permissions: of the account.
    """

    id: SessionId
    principal: PrincipalId
    authentications: tuple[Authentication, ...]
    good_until: int
    standing: bool
    permissions: frozenset[str]


def fill_of(row: CookieRow | None, read_at: Position, now: int) -> CookieFill:
    """Gives what a near-cache may keep.

    Args:
        row: what was read, or None if no session has that cookie.
        read_at: the head of the log before anything was read.
        now: the instant by the store's clock.
    """
    if row is None:
        return CookieFill(read_at, now, None, "missing")
    if not row.standing:
        return CookieFill(read_at, now, None, "ended")
    if now >= row.good_until:
        return CookieFill(read_at, now, None, "expired")
    last = row.authentications[-1] if row.authentications else None
    view = SessionView(
        id=row.id,
        principal=row.principal,
        client=BROWSER_CLIENT,
        scopes=row.permissions,
        tal=read_at,
        credential="cookie",
        expires_at=row.good_until,
        authenticated_at=None if last is None else last.at,
        acr="" if last is None else last.acr,
        amr=() if last is None else last.amr,
    )
    return CookieFill(read_at, row.good_until, view)
