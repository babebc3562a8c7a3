"""Trade a refresh token for the next one, at most once."""

from __future__ import annotations

from tallystick.authority.clients import authenticate_client
from tallystick.authority.deliver import chosen_scopes, deliver_tokens
from tallystick.authority.issued import Tokens
from tallystick.authority.settle import commit, settle
from tallystick.authority.throttling import count_failure
from tallystick.authority.world import World, standing_of
from tallystick.core.credentials.refresh_token import RefreshToken, parse_refresh_token
from tallystick.core.ids import ClientId
from tallystick.core.session import decide
from tallystick.core.session.decision import Decision, Outcome
from tallystick.errors import (
    CredentialExpired,
    CredentialMalformed,
    OAuthInvalidClient,
    RefreshBindingMismatch,
    RefreshReused,
    SessionEnded,
)
from tallystick.identity.throttle import REFRESH


async def refresh(
    world: World,
    token: str,
    *,
    client_id: str | None,
    client_secret: str | None,
    scope: frozenset[str] | None,
    network: str,
) -> Tokens:
    """Trades a refresh token: rotates it, repeats the last rotation inside the grace, or ends its session on reuse.

    Args:
        world: ports and policy.
        token: what was presented.
        client_id: the client that presents it.
        client_secret: its secret, if it has one.
        scope: a part of what was granted for the new access token; all of it if None.
        network: the client's address, for the throttle.

    Raises:
        CredentialMalformed: it is no refresh token of ours; nothing was read.
        OAuthInvalidClient: the client is unknown or its secret is wrong; nothing was consumed.
        RefreshBindingMismatch: it is another client's; nothing ended.
        RefreshReused: an old generation came back; its session has ended.
        SessionEnded, CredentialExpired: its session is over.
        OAuthInvalidScope: more than was granted; nothing was consumed.
        Throttled: too many that were never issued came from there; the right ones are never made to wait.
        Unavailable: our own trouble; nothing was consumed.
    """
    presented = parse_refresh_token(token, world.sealer.refresh_masters())
    if presented is None:
        await count_failure(world, REFRESH, "refresh", network)
        raise CredentialMalformed("not a refresh token of ours")
    client = ClientId.parse(client_id) if client_id else None
    if client is None:
        raise OAuthInvalidClient("no client_id")

    async def once() -> tuple[Decision, Tokens | None]:
        now = world.clock.now()
        facts = await world.store.facts_of_session(presented.session)
        owner = facts.client
        if owner is None or owner.id != client:
            # Another client's: it authenticates as itself, then is refused, so that nothing ends.
            owner = (await world.store.facts_of_client(client)).client
        await authenticate_client(world, owner, client, client_secret, network=network)
        standing = standing_of(facts)
        decision = decide.refresh(standing, presented, client, world.newest_master, world.policy, now)
        if decision.to_deliver is not None:
            chosen_scopes(standing, scope)  # refused before anything is consumed
        whose = facts.session.principal if facts.session is not None else None
        await commit(world, decision, now=now, principal=whose, client=client)
        if decision.to_deliver is None:
            return decision, None
        if facts.session is not None:
            owner_id, at = decide.used_at(facts.session, facts.opener, now)
            world.uses[owner_id] = at
        return decision, deliver_tokens(world, standing, decision.to_deliver, now=now, scope=scope)

    decision, tokens = await settle(world, once)
    if tokens is None:
        if decision.outcome is Outcome.REFUSED:
            await count_failure(world, REFRESH, "refresh", network)
        raise _refusal(decision.outcome, presented)
    return tokens


def _refusal(outcome: Outcome, presented: RefreshToken) -> Exception:
    detail = f"session {presented.session}, generation {presented.generation}"
    match outcome:
        case Outcome.REUSED:
            return RefreshReused(detail)
        case Outcome.REFUSED:
            return RefreshBindingMismatch(detail)
        case Outcome.EXPIRED:
            return CredentialExpired(detail)
        case _:
            return SessionEnded(detail)
