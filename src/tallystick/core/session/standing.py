"""Where a session stands: what one read of the store says about it, judged by the clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tallystick.core.policy import Policy
from tallystick.core.revocation.entry import Position
from tallystick.core.secret import Digest
from tallystick.core.session.model import Authentication, BrowserHolder, Session


class Verdict(Enum):
    """What a read says about a session."""

    LIVE = "live"
    EXPIRED = "expired"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a rule is told about a session: all from one read, the position first and the cuts last.

    Args:
        position: the head of the log before anything was read; becomes the `tal` of what is minted.
        session: its row, or None if it is missing.
        opener: the row that it was opened from, if it is there.
        enabled: its principal and its client are enabled.
        permissions: what the principal may do; for a service, what its client may be granted.
        newest_cut: the newest durable cut on its principal, its client or everything.
    """

    position: Position
    session: Session | None
    opener: Session | None
    enabled: bool
    permissions: frozenset[str]
    newest_cut: Position

    def verdict(self, now: int) -> Verdict:
        """Tells whether the session is live, expired or ended at an instant."""
        session = self.session
        if session is None or session.ended is not None or not self.enabled or self.newest_cut > session.born:
            return Verdict.ENDED
        keeper = session
        if session.bound:
            # A bound session has no clocks of its own and ends with the one that it was opened from.
            if self.opener is None or self.opener.ended is not None:
                return Verdict.ENDED
            keeper = self.opener
        if now >= session.hard_end_at or now >= keeper.idle_end_at:
            return Verdict.EXPIRED
        return Verdict.LIVE

    def live(self, now: int) -> Session | None:
        """Gives the session if it is live at an instant."""
        return self.session if self.verdict(now) is Verdict.LIVE else None

    def scopes(self) -> frozenset[str]:
        """Gives what a credential of the session may do now."""
        if self.session is None:
            return frozenset()
        if isinstance(self.session.holder, BrowserHolder):
            return self.permissions
        return self.session.scopes & self.permissions

    def ends_at(self) -> int:
        """Gives the instant at which the session expires whatever happens: its own hard end or its opener's."""
        assert self.session is not None
        own = self.session.hard_end_at
        return min(own, self.opener.hard_end_at) if self.session.bound and self.opener is not None else own


def level_of_cookie(session: Session, presented: Digest, now: int) -> tuple[Authentication, ...] | None:
    """Gives the authentications that a cookie stands for, or None if it is not good for this session.

    The current cookie stands for all of them; the one before a step-up, for a short time, for those that it had.
    """
    holder = session.holder
    if not isinstance(holder, BrowserHolder):
        return None
    if holder.cookie.matches(presented):
        return session.authentications
    if holder.previous is not None and holder.previous.matches(presented) and now < holder.previous_until:
        return session.authentications[: holder.previous_level]
    return None


def is_fresh(authentications: tuple[Authentication, ...], now: int, policy: Policy) -> bool:
    """Tells whether the last authentication is recent enough for a sensitive act."""
    return bool(authentications) and now - authentications[-1].at < policy.fresh_lifetime
