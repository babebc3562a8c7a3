"""Sign in: a password becomes a browser's session, or a first-party app's."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.authority.browser import BrowserSession, find_browser_session
from tallystick.authority.deliver import deliver_cookie, deliver_tokens
from tallystick.authority.issued import SignedIn, Tokens
from tallystick.authority.passwords import prove_password
from tallystick.authority.settle import commit, settle
from tallystick.authority.world import World, permissions_of
from tallystick.core.ids import ClientId
from tallystick.core.session import decide
from tallystick.core.session.decision import Decision, Outcome
from tallystick.core.session.model import Authentication
from tallystick.core.session.opening import AppGrant, Birth, open_app, open_browser
from tallystick.core.session.standing import Standing
from tallystick.errors import Conflict, OAuthInvalidClient, OAuthInvalidScope, OAuthUnauthorizedClient
from tallystick.identity.account import Account
from tallystick.ports import Facts

PASSWORD_ACR = "urn:tallystick:password"


@dataclass(slots=True)
class Proof:
    """A password that was given, and the hash that it was seen to match, so that a lost race does not hash again."""

    password: str
    matched: str | None = None


async def sign_in(
    world: World, email: str, password: str, *, network: str, cookie: str | None, stay: bool, label: str
) -> SignedIn:
    """Opens a browser's session; the same person in the same browser steps up the live one, somebody else replaces it.

    Args:
        world: ports and policy.
        email: the identifier as typed.
        password: as typed.
        network: the client's address, for the throttle.
        cookie: the session cookie that the request carried, if any.
        stay: the person asked to stay signed in.
        label: what the session may be recognised by.

    Raises:
        AuthenticationFailed: wrong address or password; which one is never said.
        Throttled, Overloaded, Unavailable: nothing changed.
    """
    proof = Proof(password)

    async def once() -> SignedIn:
        known = await find_browser_session(world, cookie, world.clock.now())
        facts, account = await prove_password(
            world, email, proof, network=network, known=known.session if known is not None else None
        )
        now = world.clock.now()
        authentication = Authentication(now, ("pwd",), PASSWORD_ACR)
        present = await find_browser_session(world, cookie, now)
        decision = _decide_browser(
            world, facts, account, present, authentication, now, stay=stay, label=label, network=network
        )
        assert decision.to_deliver is not None
        committed = await commit(world, decision, now=now)
        session = committed.sessions.get(decision.to_deliver.session.id, decision.to_deliver.session)
        return deliver_cookie(world, decision.to_deliver, session, account, facts.position, now=now)

    return await settle(world, once)


def _decide_browser(
    world: World,
    facts: Facts,
    account: Account,
    present: BrowserSession | None,
    authentication: Authentication,
    now: int,
    *,
    stay: bool,
    label: str,
    network: str,
) -> Decision:
    fresh = world.entropy.bytes(32)
    if present is not None and present.session.principal == account.id:
        clocks = world.policy.browser_kept if stay else world.policy.browser
        decision = decide.step_up(
            present.standing, present.digest, authentication, fresh, world.policy, now, clocks=clocks
        )
        if decision.outcome is Outcome.STEPPED_UP:
            return decision
    birth = Birth(world.new_session_id(), account.id, facts.position, now, label, network)
    replaced = present.session if present is not None else None
    return open_browser(birth, authentication, fresh, world.policy, kept=stay, replaces=replaced)


async def sign_in_app(
    world: World,
    email: str,
    password: str,
    *,
    client_id: str,
    scope: frozenset[str] | None,
    network: str,
    label: str,
) -> Tokens:
    """Opens a session of a first-party native client by a direct sign-in; bound to no browser.

    Raises:
        OAuthInvalidClient: no such client, or disabled.
        OAuthUnauthorizedClient: it is not first-party and native.
        OAuthInvalidScope: more was asked for than the client may have.
        AuthenticationFailed, Throttled, Overloaded, Unavailable: as sign_in.
    """
    client = ClientId.parse(client_id)
    if client is None:
        raise OAuthInvalidClient("not a client id")
    proof = Proof(password)

    async def once() -> Tokens:
        found = (await world.store.facts_of_client(client)).client
        if found is None or not found.enabled:
            raise OAuthInvalidClient(f"client {client}")
        if found.kind != "native" or not found.first_party:
            raise OAuthUnauthorizedClient(f"client {client} is not first-party and native")
        if scope is not None and not scope <= found.scopes:
            raise OAuthInvalidScope("more than the client may have")
        facts, account = await prove_password(world, email, proof, network=network, client=client)
        if facts.client is None or not facts.client.enabled:
            raise Conflict("the client changed meanwhile")
        now = world.clock.now()
        authentication = Authentication(now, ("pwd",), PASSWORD_ACR)
        grant = AppGrant(
            client, facts.client.scopes if scope is None else scope, facts.client.audiences, world.newest_master
        )
        birth = Birth(world.new_session_id(), account.id, facts.position, now, label, network)
        existing = await world.store.sessions_of(account.id)
        decision = open_app(birth, grant, authentication, world.policy, existing)
        assert decision.to_deliver is not None
        await commit(world, decision, now=now)
        standing = Standing(
            position=facts.position,
            session=decision.to_deliver.session,
            opener=None,
            enabled=True,
            permissions=permissions_of(account, None),
            newest_cut=facts.cuts.newest,
        )
        return deliver_tokens(world, standing, decision.to_deliver, now=now)

    return await settle(world, once)
