"""What leaves after a commit: cookies, refresh tokens, access tokens."""

from __future__ import annotations

from tallystick.authority.issued import SignedIn, Tokens
from tallystick.authority.timing import waited_s
from tallystick.authority.world import World
from tallystick.core.credentials.access_token import JTI_BYTES, claims
from tallystick.core.credentials.cookie import csrf_token_of
from tallystick.core.credentials.refresh_token import derive_refresh_token
from tallystick.core.credentials.view import SessionView
from tallystick.core.ids import BROWSER_CLIENT
from tallystick.core.revocation.entry import Position
from tallystick.core.secret import Secret
from tallystick.core.session.decision import Delivery
from tallystick.core.session.model import Session
from tallystick.core.session.standing import Standing
from tallystick.errors import OAuthInvalidScope, OAuthInvalidTarget, Unavailable
from tallystick.identity.account import Account


def deliver_tokens(
    world: World,
    standing: Standing,
    delivery: Delivery,
    *,
    now: int,
    audience: str | None = None,
    scope: frozenset[str] | None = None,
) -> Tokens:
    """Mints an access token, and derives the refresh token of the generation that was committed.

    Args:
        world: for signer and master keys.
        standing: from the read that the decision was made on; its position becomes the token's `tal`.
        delivery: what the decision delivers.
        now: the instant.
        audience: one of the audiences granted; the issuer if None.
        scope: a part of what was granted; all of it if None.

    Raises:
        OAuthInvalidScope: the scope asked for is more than was granted.
        OAuthInvalidTarget: the audience was not granted.
        Unavailable: no key can sign.
    """
    session = delivery.session
    scopes = chosen_scopes(standing, scope)
    last = session.authentications[-1] if session.authentications else None
    expires_at = min(now + world.policy.access_token_lifetime, standing.ends_at())
    written = claims(
        issuer=world.issuer,
        audience=chosen_audience(world, session, audience),
        principal=session.principal,
        client=session.client or BROWSER_CLIENT,
        session=session.id,
        tal=standing.position,
        now=now,
        expires_at=expires_at,
        jti=world.entropy.bytes(JTI_BYTES),
        scopes=scopes,
        authenticated_at=last.at if last else None,
    )
    if world.signer.active is None:
        raise Unavailable("no signing key is active", retry_after_s=5)
    refresh = None
    if delivery.refresh_generation is not None:
        master = world.sealer.refresh_masters()[delivery.refresh_version]
        refresh = derive_refresh_token(master, session.id, delivery.refresh_generation)
    tokens = Tokens(Secret(world.signer.sign(written)), expires_at - now, scopes, refresh, session.id)
    _measure(world, refreshes=refresh is not None)
    return tokens


def _measure(world: World, *, refreshes: bool) -> None:
    seconds = waited_s()
    if seconds is not None:
        world.meter.minted("access_token", seconds)
        if refreshes:
            world.meter.minted("refresh_token", seconds)


def chosen_scopes(standing: Standing, scope: frozenset[str] | None) -> frozenset[str]:
    """Gives the scopes of a token: what the session has, or the part of it that was asked for (RFC 6749 section 6)."""
    held = standing.scopes()
    if scope is None:
        return held
    granted = held if standing.session is None else standing.session.scopes | held
    if not scope <= granted:
        raise OAuthInvalidScope("more than was granted")
    return scope & held


def chosen_audience(world: World, session: Session, audience: str | None) -> str:
    """Gives the audience of a token: the issuer, or one that was granted (RFC 8707 section 2)."""
    if audience is None or audience == world.issuer:
        return world.issuer
    if audience not in session.resources:
        raise OAuthInvalidTarget("the audience was not granted")
    return audience


def deliver_cookie(
    world: World, delivery: Delivery, session: Session, account: Account, tal: Position, *, now: int
) -> SignedIn:
    """Hands out a new cookie with the view of its session.

    Args:
        world: for the policy.
        delivery: what the decision delivers.
        session: the row as it was committed.
        account: whose it is.
        tal: the position that the view carries.
        now: the instant.
    """
    assert delivery.cookie is not None
    last = session.authentications[-1]
    view = SessionView(
        id=session.id,
        principal=session.principal,
        client=BROWSER_CLIENT,
        scopes=account.permissions,
        tal=tal,
        credential="cookie",
        expires_at=session.idle_end_at,
        authenticated_at=last.at,
        acr=last.acr,
        amr=last.amr,
        csrf=csrf_token_of(delivery.cookie.reveal()),
    )
    kept = session.clocks == world.policy.browser_kept and session.clocks != world.policy.browser
    max_age = session.hard_end_at - now if kept else None
    return SignedIn(view, account, delivery.cookie, Secret(view.csrf or ""), max_age)
