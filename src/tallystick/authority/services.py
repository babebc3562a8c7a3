"""What was read of a service a moment ago, so that its next token costs no read.

Theory of operation. A service asks for tokens again and again, and nothing changes in between. What was read is kept as a
cookie's view is kept in a near-cache: it carries the position that was read before the rows, every use asks the log
first, under the lease, and the token that is minted carries that old position as `tal`. So whatever ends the service's
session, its client or everything is found at the mint or covers the token, exactly as if the mint had taken that long.

It is kept for less than an entry outlives the longest access token in a verifier (leeway, skew and LS), so that the floor
of an index never rises over a token that was minted from it before the token's own end.
"""

from __future__ import annotations

from tallystick.authority.world import RememberedService, World, permissions_of, standing_of
from tallystick.core.credentials.view import SessionView
from tallystick.core.ids import ClientId
from tallystick.errors import LeaseLapsed, Rejected
from tallystick.ports import Facts

SERVICES_MAX = 10_000
_KEPT_S = 30.0


def remembered_service(world: World, client: ClientId) -> RememberedService | None:
    """Gives what is remembered of a live service, or None: then it is read."""
    remembered = world.services.get(client)
    if remembered is None or world.recheck is None:
        return None
    try:
        world.recheck(remembered.view)
    except (Rejected, LeaseLapsed):
        world.services.pop(client, None)
        return None
    alive = world.clock.boot() < remembered.dies_at and remembered.standing.live(world.clock.now())
    return remembered if alive else None


def remember_service(world: World, facts: Facts, sent_at: float) -> None:
    """Keeps what a read found of a live service.

    Args:
        world: keeps it.
        facts: what was read.
        sent_at: the boot clock before the read was sent.
    """
    session, client = facts.session, facts.client
    if session is None or client is None:
        return
    staleness = world.policy.staleness
    kept_s = min(_KEPT_S, staleness.near_cache_lifetime, staleness.leeway + staleness.issuer_skew)
    if len(world.services) >= SERVICES_MAX:
        world.services.clear()
    view = SessionView(
        id=session.id,
        principal=session.principal,
        client=client.id,
        scopes=permissions_of(None, client),
        tal=facts.position,
        credential="access_token",
        expires_at=session.hard_end_at,
    )
    world.services[client.id] = RememberedService(client, standing_of(facts), view, sent_at + kept_s)
