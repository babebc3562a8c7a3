"""Builders of sessions and of where they stand, with defaults that a test need not name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tallystick.core.credentials.refresh_token import RefreshToken
from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.policy import DEFAULT, Clocks, Policy
from tallystick.core.revocation.entry import ORIGIN, Position
from tallystick.core.secret import Digest
from tallystick.core.session.decision import Decision, Outcome
from tallystick.core.session.model import (
    AppHolder,
    Authentication,
    BrowserHolder,
    Ended,
    Holder,
    ServiceHolder,
    Session,
)
from tallystick.core.session.opening import Birth
from tallystick.core.session.standing import Standing

T0 = 1_700_000_000
"""The instant at which the sessions of these builders open."""
ADA = PrincipalId.of(b"ada".ljust(16, b"."))
BOB = PrincipalId.of(b"bob".ljust(16, b"."))
APP = ClientId("notes-app")
OTHER_APP = ClientId("other-app")
SERVICE = ClientId("export")
BORN = Position(1, 5)
LATER = Position(1, 6)
HEAD = Position(1, 9)
COOKIE = Digest.of("the current cookie")
PREVIOUS = Digest.of("the cookie before")
STRANGE = Digest.of("somebody else's cookie")
PASSWORD = Authentication(T0, ("pwd",), "urn:tallystick:password")
PASSKEY = Authentication(T0 + 100, ("hwk", "user"), "urn:tallystick:passkey")


def session_id(name: str) -> SessionId:
    """Gives the id that a short name stands for."""
    return SessionId.of(name.encode().ljust(16, b"."))


@dataclass(frozen=True)
class SessionBuilder:
    """A session that is described step by step; `.row` is what came of it."""

    row: Session

    def of(self, principal: PrincipalId) -> SessionBuilder:
        """Says whose it is."""
        return SessionBuilder(replace(self.row, principal=principal))

    def held_by(self, holder: Holder) -> SessionBuilder:
        """Says who holds it."""
        return SessionBuilder(replace(self.row, holder=holder))

    def granted(self, *scopes: str, resources: Iterable[str] = ()) -> SessionBuilder:
        """Says what its client was granted."""
        return SessionBuilder(replace(self.row, scopes=frozenset(scopes), resources=tuple(resources)))

    def proved_by(self, *authentications: Authentication) -> SessionBuilder:
        """Says by what it was proved."""
        return SessionBuilder(replace(self.row, authentications=authentications))

    def used_at(self, at: int) -> SessionBuilder:
        """Says when it was used last."""
        return SessionBuilder(replace(self.row, active_at=at))

    def opened_from(self, opener: Session, *, bound: bool = True) -> SessionBuilder:
        """Says that it was opened from another."""
        return SessionBuilder(replace(self.row, opened_from=opener.id, bound=bound))

    def over(self) -> SessionBuilder:
        """Says that it has ended."""
        return SessionBuilder(replace(self.row, ended=Ended(T0 + 1, "signed out", LATER)))

    def standing(
        self,
        opener: Session | None = None,
        *,
        enabled: bool = True,
        permissions: Iterable[str] = ("notes:read", "notes:write"),
        cut: Position = ORIGIN,
    ) -> Standing:
        """Gives where it stands."""
        return Standing(HEAD, self.row, opener, enabled, frozenset(permissions), cut)


def a_session(name: str, holder: Holder, clocks: Clocks) -> SessionBuilder:
    """Describes a live session that opened at T0."""
    return SessionBuilder(
        Session(
            id=session_id(name), version=3, principal=ADA, holder=holder, opened_from=None, bound=False,
            scopes=frozenset(), resources=(), authentications=(PASSWORD,), born=BORN, opened_at=T0, active_at=T0,
            clocks=clocks,
        )
    )  # fmt: skip


def a_browser(name: str = "browser") -> SessionBuilder:
    """Describes a browser's session."""
    return a_session(name, BrowserHolder(COOKIE), DEFAULT.browser)


def an_app(name: str = "app", *, generation: int = 4, rotated_at: int = T0, client: ClientId = APP) -> SessionBuilder:
    """Describes an app's session."""
    holder = AppHolder(client, generation, 1, rotated_at)
    return a_session(name, holder, DEFAULT.app).granted("notes:read", "notes:write")


def a_service(name: str = "service") -> SessionBuilder:
    """Describes a service's session."""
    return a_session(name, ServiceHolder(SERVICE), DEFAULT.service).of(PrincipalId(SERVICE)).proved_by()


def a_birth(name: str = "new", *, principal: PrincipalId = ADA, now: int = T0, label: str = "") -> Birth:
    """Describes an opening."""
    return Birth(session_id(name), principal, LATER, now, label)


def token(session: Session, generation: int) -> RefreshToken:
    """Gives a refresh token of a session, already parsed."""
    return RefreshToken(session.id, generation, 1)


def with_policy(**chosen: int) -> Policy:
    """Gives the default policy with some numbers chosen."""
    return replace(DEFAULT, **chosen)  # type: ignore[arg-type]


def changes_nothing(decision: Decision, outcome: Outcome) -> bool:
    """Tells whether a decision only refuses: that outcome, nothing written, nothing handed out."""
    return decision.outcome is outcome and decision.changes == () and decision.to_deliver is None
