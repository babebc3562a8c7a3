"""What a browser does with its session: step up, mint access tokens, open sessions for clients, end all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tallystick.authority.deliver import deliver_cookie, deliver_tokens
from tallystick.authority.issued import SignedIn, Tokens
from tallystick.authority.settle import commit, settle
from tallystick.authority.world import World, permissions_of, standing_of
from tallystick.core.credentials.cookie import digest_of_cookie
from tallystick.core.ids import ClientId
from tallystick.core.revocation.entry import Position
from tallystick.core.secret import Digest
from tallystick.core.session import decide
from tallystick.core.session.model import Authentication, Session
from tallystick.core.session.opening import AppGrant, Birth, open_from
from tallystick.core.session.standing import Standing, Verdict, is_fresh, level_of_cookie
from tallystick.errors import (
    AuthenticationTooOld,
    CredentialExpired,
    CredentialMalformed,
    OAuthInvalidClient,
    OAuthInvalidScope,
    OAuthInvalidTarget,
    SessionEnded,
)
from tallystick.identity.account import Account


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A live browser's session with the cookie that presented it.

    Args:
        standing: from the read that found it.
        session: its row.
        account: whose it is.
        digest: of the cookie.
        level: the authentications that this cookie stands for.
    """

    standing: Standing
    session: Session
    account: Account
    digest: Digest
    level: tuple[Authentication, ...]


async def find_browser_session(world: World, cookie: str | None, now: int) -> BrowserSession | None:
    """Gives the live session that a cookie presents, or None."""
    try:
        return await get_browser_session(world, cookie or "", now)
    except (CredentialMalformed, CredentialExpired, SessionEnded):
        return None


async def get_browser_session(world: World, cookie: str, now: int) -> BrowserSession:
    """Gives the live session that a cookie presents.

    Raises:
        CredentialMalformed: it is no session cookie.
        CredentialExpired, SessionEnded: its session is over.
    """
    digest = digest_of_cookie(cookie)
    if digest is None:
        raise CredentialMalformed("not a session cookie")
    facts = await world.store.facts_of_session(digest)
    standing = standing_of(facts)
    if standing.verdict(now) is Verdict.EXPIRED:
        raise CredentialExpired("the session's time is over")
    session = standing.live(now)
    level = level_of_cookie(session, digest, now) if session is not None else None
    if session is None or facts.account is None:
        raise SessionEnded("no live session has this cookie")
    if level is None:
        raise CredentialExpired("the cookie of before a step-up is over")
    return BrowserSession(standing, session, facts.account, digest, level)


def demand_fresh(world: World, present: BrowserSession, now: int) -> None:
    """Raises AuthenticationTooOld unless the cookie's last authentication is fresh."""
    if not is_fresh(present.level, now, world.policy):
        raise AuthenticationTooOld("a fresh authentication is wanted", max_age_s=world.policy.fresh_lifetime)


async def step_up(world: World, cookie: str, authentication: Authentication) -> SignedIn:
    """Adds an authentication, which the caller has proved, to a browser's session and gives it a new cookie."""

    async def once() -> SignedIn:
        now = world.clock.now()
        present = await get_browser_session(world, cookie, now)
        decision = decide.step_up(
            present.standing, present.digest, authentication, world.entropy.bytes(32), world.policy, now
        )
        assert decision.to_deliver is not None
        committed = await commit(world, decision, now=now)
        session = committed.sessions.get(present.session.id, decision.to_deliver.session)
        return deliver_cookie(world, decision.to_deliver, session, present.account, present.standing.position, now=now)

    return await settle(world, once)


async def issue_access_token(world: World, cookie: str, audience: str | None) -> Tokens:
    """Mints an access token from a browser's session; writes nothing.

    Args:
        world: ports and policy.
        cookie: the session cookie.
        audience: a registered audience; the issuer if None.

    Raises:
        OAuthInvalidTarget: no client has registered that audience.
    """
    now = world.clock.now()
    present = await get_browser_session(world, cookie, now)
    decision = decide.mint(present.standing, now)
    assert decision.to_deliver is not None
    world.uses[present.session.id] = now
    session = replace(present.session, authentications=present.level)
    if audience is not None and audience != world.issuer:
        if audience not in await world.store.audiences():
            raise OAuthInvalidTarget("no client has registered this audience")
        session = replace(session, resources=(audience,))
    delivery = replace(decision.to_deliver, session=session)
    return deliver_tokens(world, present.standing, delivery, now=now, audience=audience)


async def open_session_from(
    world: World,
    cookie: str,
    client_id: str,
    *,
    scope: frozenset[str],
    audiences: Sequence[str],
    bound: bool,
    born: Position | None,
    label: str,
) -> Tokens:
    """Opens a client's session from a browser's.

    Args:
        world: ports and policy.
        cookie: the browser's session cookie.
        client_id: the client.
        scope: what it is granted; within what it may be granted.
        audiences: what it may ask tokens for; within what it registered.
        bound: it ends with the browser's session; False is offline access and needs a fresh authentication.
        born: the log position read before the authorization request read anything; this call's own first if None.
        label: what the session may be recognised by.

    Raises:
        AuthenticationTooOld: offline access without a fresh authentication.
        SessionEnded: the browser's session is over, or a cut came after the authorization request had begun.
        OAuthInvalidClient, OAuthInvalidScope, OAuthInvalidTarget: the client may not have it.
    """
    client = ClientId.parse(client_id)

    async def once() -> Tokens:
        now = world.clock.now()
        first = born if born is not None else await world.store.head()
        present = await get_browser_session(world, cookie, now)
        facts = await world.store.facts_of_client(client) if client is not None else None
        found = facts.client if facts is not None else None
        if facts is None or found is None or not found.enabled or found.kind == "service":
            raise OAuthInvalidClient(f"client {client_id!r}")
        if born is not None and born < max(present.standing.newest_cut, facts.cuts.newest):
            raise SessionEnded("a cut came after the authorization request had begun")
        if not scope <= found.scopes:
            raise OAuthInvalidScope("more than the client may have")
        if not set(audiences) <= {*found.audiences, world.issuer}:
            raise OAuthInvalidTarget("an audience that the client has not registered")
        if not bound:
            demand_fresh(world, present, now)
        decision = open_from(
            present.standing,
            Birth(world.new_session_id(), present.account.id, first, now, label),
            AppGrant(found.id, scope, tuple(audiences), world.newest_master),
            present.level,
            world.policy,
            bound=bound,
            opened=await world.store.sessions_opened_from(present.session.id),
            existing=() if bound else await world.store.sessions_of(present.account.id),
        )
        assert decision.to_deliver is not None
        await commit(world, decision, now=now)
        standing = Standing(
            position=first,
            session=decision.to_deliver.session,
            opener=present.session,
            enabled=True,
            permissions=permissions_of(present.account, None),
            newest_cut=present.standing.newest_cut,
        )
        return deliver_tokens(world, standing, decision.to_deliver, now=now)

    return await settle(world, once)


async def end_all_but(world: World, cookie: str) -> SignedIn:
    """Ends every session of a person but the browser's that asks, which is born again with a new cookie.

    Raises:
        AuthenticationTooOld: the cookie's last authentication is not fresh.
    """

    async def once() -> SignedIn:
        now = world.clock.now()
        present = await get_browser_session(world, cookie, now)
        demand_fresh(world, present, now)
        decision = decide.end_all_but(
            present.standing, present.account.id, world.entropy.bytes(32), now, level=present.level
        )
        assert decision.to_deliver is not None
        committed = await commit(world, decision, now=now)
        session = committed.sessions.get(present.session.id, decision.to_deliver.session)
        return deliver_cookie(world, decision.to_deliver, session, present.account, committed.position, now=now)

    return await settle(world, once)
