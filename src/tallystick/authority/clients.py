"""Clients: creating, disabling and authenticating them; the session of a service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tallystick.authority.deliver import deliver_tokens
from tallystick.authority.issued import Tokens
from tallystick.authority.services import remember_service, remembered_service
from tallystick.authority.settle import commit, settle
from tallystick.authority.telling import tell_failure, tell_success
from tallystick.authority.throttling import count_failure
from tallystick.authority.world import World, standing_of
from tallystick.core.ids import ClientId
from tallystick.core.revocation.entry import Ending, Kind
from tallystick.core.secret import Digest, Secret, secret_of
from tallystick.core.session import decide
from tallystick.core.session.decision import Decision, Delivery, Event, Outcome
from tallystick.core.session.opening import Birth, open_service
from tallystick.core.session.standing import Standing
from tallystick.errors import NotFound, OAuthInvalidClient, OAuthInvalidScope, OAuthUnauthorizedClient
from tallystick.identity.throttle import CLIENT_SECRET
from tallystick.oauth.client import Client, new_client
from tallystick.ports import Committed, Facts, PutClient

SECRET_BYTES = 32
_SECRET_PREFIX = "tss_"


async def create_client(
    world: World,
    name: str,
    *,
    kind: str,
    first_party: bool = False,
    redirect_uris: Sequence[str] = (),
    post_logout_redirect_uris: Sequence[str] = (),
    audiences: Sequence[str] = (),
    scopes: Sequence[str] = (),
) -> tuple[Client, Secret | None]:
    """Registers a client. The secret of a confidential one is given here and never again.

    Raises:
        InvalidRequest: a field breaks a rule; `public` names it.
    """
    now = world.clock.now()
    secret = new_secret(world)
    client = new_client(
        ClientId.of(world.entropy.bytes(16)),
        name,
        kind=kind,
        first_party=first_party,
        redirect_uris=redirect_uris,
        post_logout_redirect_uris=post_logout_redirect_uris,
        audiences=audiences,
        scopes=scopes,
        now=now,
    )
    if client.confidential:
        client = replace(client, secrets=(Digest.of(secret.reveal()),))
    decision = Decision(Outcome.ALLOWED, events=(Event("client.created", None, (("kind", client.kind),)),))
    await commit(world, decision, PutClient(client), now=now, client=client.id)
    return replace(client, version=1), secret if client.confidential else None


def new_secret(world: World) -> Secret:
    """Draws the secret of a client: 256 random bits (RFC 6749 section 10.10)."""
    return secret_of(world.entropy.bytes(SECRET_BYTES), _SECRET_PREFIX)


async def disable_client(world: World, client: ClientId, *, everywhere: bool) -> Committed:
    """Disables a client and ends everything that it holds, in one commit.

    Raises:
        NotFound: there is no such client.
    """

    async def once() -> Committed:
        now = world.clock.now()
        found = (await world.store.facts_of_client(client)).client
        if found is None:
            raise NotFound(f"no client {client}", public="There is no such client.")
        cut = decide.cut(Ending(Kind.CLIENT, client))
        decision = replace(cut, events=(Event("client.disabled"), *cut.events))
        disabled = PutClient(replace(found, enabled=False))
        return await commit(world, decision, disabled, now=now, everywhere=everywhere, client=client)

    return await settle(world, once)


async def authenticate_client(
    world: World, client: Client | None, presented: ClientId, secret: str | None, *, network: str
) -> None:
    """Checks that a client is enabled and, if it has secrets, that one of them was presented.

    Args:
        world: for the throttle.
        client: the client as it was loaded, or None if there is none of that name.
        presented: the name that was given.
        secret: the secret that was given.
        network: the client's address.

    Raises:
        OAuthInvalidClient: it is unknown, disabled, or the secret is wrong, missing or one too many.
        Throttled: too many wrong secrets came from there.
    """
    if client is not None and client.enabled and _is_right(client, secret):
        if secret is not None:
            tell_success(world, "client_secret", network=network, client=presented)
        return
    if secret is not None:
        # A client secret has 256 random bits, so the right one is never made to wait for somebody else's guesses.
        await count_failure(world, CLIENT_SECRET, f"client:{presented}", network)
    reason = "unknown" if client is None else "wrong" if client.enabled else "disabled"
    tell_failure(world, "client_secret", reason, subject=presented, network=network, client=presented)
    raise OAuthInvalidClient(f"client {presented}")


def _is_right(client: Client, secret: str | None) -> bool:
    """Tells whether a secret is one of a client's; a public one has none and must give none."""
    if not client.confidential or secret is None:
        return not client.confidential and secret is None
    digest = Digest.of(secret)
    right = [digest.matches(one) for one in client.secrets]
    return any(right)


async def client_credentials(
    world: World,
    *,
    client_id: str,
    client_secret: str,
    scope: frozenset[str] | None,
    audience: str | None,
    network: str,
) -> Tokens:
    """Gives a service an access token from its one long session. Minting writes nothing.

    Raises:
        OAuthInvalidClient, Throttled: as authenticate_client.
        OAuthUnauthorizedClient: the client is not a service.
        OAuthInvalidScope, OAuthInvalidTarget: more was asked for than the client may have.
    """
    client = ClientId.parse(client_id)
    if client is None:
        raise OAuthInvalidClient("not a client id")
    remembered = remembered_service(world, client)
    if remembered is not None and _is_right(remembered.client, client_secret):
        world.meter.authenticated("client_secret")
        return _minted(world, remembered.standing, remembered.client, scope, audience)

    async def once() -> Tokens:
        now, sent_at = world.clock.now(), world.clock.boot()
        facts = await world.store.facts_of_client(client)
        await authenticate_client(world, facts.client, client, client_secret, network=network)
        assert facts.client is not None
        if facts.client.kind != "service":
            raise OAuthUnauthorizedClient(f"client {client} is not a service")
        decision, opened = _service_session(world, facts, facts.client, now)
        if decision.changes:
            await commit(world, decision, now=now)
        else:
            remember_service(world, opened, sent_at)
        return _minted(world, standing_of(opened), facts.client, scope, audience)

    return await settle(world, once)


def _minted(
    world: World, standing: Standing, client: Client, scope: frozenset[str] | None, audience: str | None
) -> Tokens:
    if scope is not None and not scope <= client.scopes:
        raise OAuthInvalidScope("more than the client may have")
    assert standing.session is not None
    delivery = Delivery(standing.session, access=True)
    now = world.clock.now()
    return deliver_tokens(world, standing, delivery, now=now, audience=audience, scope=scope)


def _service_session(world: World, facts: Facts, client: Client, now: int) -> tuple[Decision, Facts]:
    standing = standing_of(facts)
    session = standing.live(now)
    if session is not None and client.scopes <= session.scopes and set(client.audiences) <= set(session.resources):
        return decide.mint(standing, now), facts
    if session is not None:
        # The client may do more than when its session was opened.
        decision = decide.allow(standing, client.scopes, client.audiences, now)
        assert decision.to_deliver is not None
        return decision, replace(facts, session=decision.to_deliver.session)
    birth = Birth(world.new_session_id(), client.principal, facts.position, now, client.name)
    decision = open_service(birth, client.id, client.scopes, client.audiences, world.policy)
    assert decision.to_deliver is not None
    return decision, replace(facts, session=decision.to_deliver.session, opener=None)
