"""The rules of opening: a browser's session, an app's (bound or not), a service's.

Only a browser's session opens others, so the depth is one. Opening raises the version of the row that it opens from, so
it loses to an ending; where a limit is reached, the least recently used session ends in the same commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tallystick.core.credentials.cookie import cookie_of
from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.policy import Clocks, Policy
from tallystick.core.revocation.entry import Position
from tallystick.core.secret import Digest
from tallystick.core.session.decision import Change, Decision, Delivery, EndSession, Event, OpenSession, Outcome
from tallystick.core.session.model import (
    AppHolder,
    Authentication,
    BrowserHolder,
    Holder,
    ServiceHolder,
    Session,
)
from tallystick.core.session.standing import Standing, is_fresh

LABEL_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Birth:
    """What every opening is told.

    Args:
        session: the new session's id.
        principal: who was authenticated.
        born: the log position read before the first fact that the sign-in relies on.
        now: the instant.
        label: what the person may recognise the session by; cut to 200 characters.
        network: the address that the request came from.
    """

    session: SessionId
    principal: PrincipalId
    born: Position
    now: int
    label: str = ""
    network: str = ""


@dataclass(frozen=True, slots=True)
class AppGrant:
    """What an app's session is granted.

    Args:
        client: the client that holds it.
        scopes: what it may do.
        resources: the audiences that it may ask for.
        master_version: the master key version of its first refresh token.
    """

    client: ClientId
    scopes: frozenset[str]
    resources: tuple[str, ...]
    master_version: int


def open_browser(
    birth: Birth,
    authentication: Authentication,
    fresh: bytes,
    policy: Policy,
    *,
    kept: bool = False,
    replaces: Session | None = None,
) -> Decision:
    """Decides that a browser gets a session.

    Args:
        birth: id, principal, position, instant.
        authentication: the proof.
        fresh: 32 random bytes for the cookie.
        policy: for the clocks.
        kept: the person asked to stay signed in.
        replaces: a live session of somebody else in the same browser; it ends in the same commit.
    """
    cookie = cookie_of(fresh)
    holder = BrowserHolder(Digest.of(cookie.reveal()))
    session = _born(birth, holder, policy.browser_kept if kept else policy.browser, authentications=(authentication,))
    ends: tuple[Change, ...] = () if replaces is None else (EndSession(replaces.id, "replaced"),)
    return Decision(
        Outcome.OPENED,
        changes=(*ends, OpenSession(session)),
        to_deliver=Delivery(session, cookie=cookie),
        events=(Event("session.opened", session.id, (("holder", "browser"),)),),
    )


def open_app(
    birth: Birth, grant: AppGrant, authentication: Authentication, policy: Policy, existing: Sequence[Session] = ()
) -> Decision:
    """Decides that a first-party app gets a session of its own by a direct sign-in; bound to nothing.

    Args:
        birth: id, principal, position, instant.
        grant: what the app is granted.
        authentication: the proof.
        policy: for clocks and limits.
        existing: the principal's live sessions.
    """
    holder = AppHolder(grant.client, 0, grant.master_version, birth.now)
    session = _born(birth, holder, policy.app, grant=grant, authentications=(authentication,))
    return _opened_app(session, None, _crowded_unbound(existing, grant.client, policy))


def open_from(
    opener: Standing,
    birth: Birth,
    grant: AppGrant,
    level: tuple[Authentication, ...],
    policy: Policy,
    *,
    bound: bool,
    opened: Sequence[Session] = (),
    existing: Sequence[Session] = (),
) -> Decision:
    """Decides that a client gets a session of its own, opened from a browser's.

    Args:
        opener: the browser's session.
        birth: id, principal, instant; `born` is the position read before the authorization request read anything, never
            the opener's.
        grant: what the client is granted.
        level: the authentications that the presented cookie stands for; copied.
        policy: for clocks and limits.
        bound: it ends with the browser's session. Not bound (offline access, a device) needs a fresh authentication.
        opened: the live sessions opened from the browser's, least recently used first.
        existing: the principal's live sessions, for the limit on unbound ones.
    """
    parent = opener.live(birth.now)
    if parent is None or parent.principal != birth.principal:
        return Decision(Outcome.ENDED, because="the session to open from is over")
    if not isinstance(parent.holder, BrowserHolder):
        return Decision(Outcome.REFUSED, because="only a browser's session opens others")
    if not bound and not is_fresh(level, birth.now, policy):
        return Decision(Outcome.REFUSED, because="offline access needs a fresh authentication")
    holder = AppHolder(grant.client, 0, grant.master_version, birth.now)
    session = _born(birth, holder, policy.app, grant=grant, authentications=level, opened_from=parent.id, bound=bound)
    crowded = _crowded_opened(opened, grant.client, policy)
    if not bound:
        crowded = tuple(dict.fromkeys((*crowded, *_crowded_unbound(existing, grant.client, policy))))
    return _opened_app(session, parent, crowded)


def open_service(
    birth: Birth, client: ClientId, scopes: frozenset[str], resources: tuple[str, ...], policy: Policy
) -> Decision:
    """Decides that a service gets its one long session; Conflict in the commit if it has a live one already."""
    grant = AppGrant(client, scopes, resources, 0)
    session = _born(birth, ServiceHolder(client), policy.service, grant=grant)
    return Decision(
        Outcome.OPENED,
        changes=(OpenSession(session, sole=True),),
        to_deliver=Delivery(session, access=True),
        events=(Event("session.opened", session.id, (("holder", "service"),)),),
    )


def _born(
    birth: Birth,
    holder: Holder,
    clocks: Clocks,
    *,
    grant: AppGrant | None = None,
    authentications: tuple[Authentication, ...] = (),
    opened_from: SessionId | None = None,
    bound: bool = False,
) -> Session:
    return Session(
        id=birth.session,
        version=1,
        principal=birth.principal,
        holder=holder,
        opened_from=opened_from,
        bound=bound,
        scopes=grant.scopes if grant else frozenset(),
        resources=grant.resources if grant else (),
        authentications=authentications,
        born=birth.born,
        opened_at=birth.now,
        active_at=birth.now,
        clocks=clocks,
        label=birth.label[:LABEL_LENGTH_MAX],
        network=birth.network,
    )


def _opened_app(session: Session, parent: Session | None, crowded: tuple[SessionId, ...]) -> Decision:
    assert isinstance(session.holder, AppHolder)
    return Decision(
        Outcome.OPENED,
        changes=(*(EndSession(one, "evicted") for one in crowded), OpenSession(session, raises=parent)),
        to_deliver=Delivery(session, refresh_generation=0, refresh_version=session.holder.master_version, access=True),
        events=(Event("session.opened", session.id, (("holder", "app"), ("client", session.holder.client))),),
    )


def _crowded_opened(opened: Sequence[Session], client: ClientId, policy: Policy) -> tuple[SessionId, ...]:
    ordered = sorted(opened, key=_last_use)
    own = [one.id for one in ordered if one.client == client]
    ends = own[: max(0, len(own) + 1 - policy.sessions_per_opener_and_client)]
    rest = [one.id for one in ordered if one.id not in ends]
    return (*ends, *rest[: max(0, len(rest) + 1 - policy.sessions_per_opener)])


def _crowded_unbound(existing: Sequence[Session], client: ClientId, policy: Policy) -> tuple[SessionId, ...]:
    own = [one.id for one in sorted(existing, key=_last_use) if one.client == client and not one.bound]
    return tuple(own[: max(0, len(own) + 1 - policy.unbound_sessions_per_client)])


def _last_use(session: Session) -> int:
    holder = session.holder
    return max(session.active_at, holder.rotated_at) if isinstance(holder, AppHolder) else session.active_at
