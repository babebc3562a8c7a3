"""Sign in: a password becomes a browser's session or a first-party app's, or a sign-in that waits for a second factor."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.authority.browser import find_browser_session
from tallystick.authority.issued import Pending, SignedIn, Tokens
from tallystick.authority.opening import Proved, open_for_app, open_for_browser
from tallystick.authority.passwords import prove_password
from tallystick.authority.pending import Wish, begin_pending
from tallystick.authority.settle import settle
from tallystick.authority.world import World
from tallystick.core.ids import ClientId
from tallystick.errors import OAuthInvalidClient, OAuthInvalidScope, OAuthUnauthorizedClient
from tallystick.identity.account import Account
from tallystick.identity.factors import authentication_of
from tallystick.ports import Facts


@dataclass(slots=True)
class Proof:
    """A password that was given, and the hash that it was seen to match, so that a lost race does not hash again."""

    password: str
    matched: str | None = None


async def sign_in(
    world: World,
    email: str,
    password: str,
    *,
    network: str,
    cookie: str | None,
    stay: bool,
    label: str,
    device: str | None = None,
) -> SignedIn | Pending:
    """Opens a browser's session; the same person in the same browser steps up the live one, somebody else replaces it.

    Args:
        world: ports and policy.
        email: the identifier as typed.
        password: as typed.
        network: the client's address, for the throttle.
        cookie: the session cookie that the request carried, if any.
        stay: the person asked to stay signed in.
        label: what the session may be recognised by.
        device: the device cookie that the request carried, if any.

    Returns:
        The session, or for an account with a second factor what the next step needs; then there is no session yet.

    Raises:
        AuthenticationFailed: wrong address or password; which one is never said.
        Throttled, Overloaded, Unavailable: nothing changed.
    """
    proof = Proof(password)

    async def once() -> SignedIn | Pending:
        known = await find_browser_session(world, cookie, world.clock.now())
        facts, account = await prove_password(
            world, email, proof, network=network, known=known.session if known is not None else None, device=device
        )
        if account.authenticators.second_factor:
            return await begin_pending(world, account, facts.position, Wish(label=label, stay=stay))
        return await open_for_browser(world, _proved(world, facts, account, network, label), cookie, stay=stay)

    return await settle(world, once)


def _proved(world: World, facts: Facts, account: Account, network: str, label: str) -> Proved:
    authentication = authentication_of(world.clock.now(), "password")
    return Proved(facts, account, authentication, facts.position, network, label)


async def sign_in_app(
    world: World,
    email: str,
    password: str,
    *,
    client_id: str,
    scope: frozenset[str] | None,
    network: str,
    label: str,
) -> Tokens | Pending:
    """Opens a session of a first-party native client by a direct sign-in; bound to no browser.

    Returns:
        The tokens, or for an account with a second factor what the next step needs; then there is no session yet.

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

    async def once() -> Tokens | Pending:
        demand_first_party(await world.store.facts_of_client(client), scope)
        facts, account = await prove_password(world, email, proof, network=network, client=client)
        if account.authenticators.second_factor:
            return await begin_pending(world, account, facts.position, Wish(label=label, client=client, scope=scope))
        return await open_for_app(world, _proved(world, facts, account, network, label), scope)

    return await settle(world, once)


def demand_first_party(facts: Facts, scope: frozenset[str] | None) -> None:
    """Demands a client that may take a password, and a scope that it may have; raises OAuthError."""
    client = facts.client
    if client is None or not client.enabled:
        raise OAuthInvalidClient("no such client, or disabled")
    if client.kind != "native" or not client.first_party:
        raise OAuthUnauthorizedClient(f"client {client.id} is not first-party and native")
    if scope is not None and not scope <= client.scopes:
        raise OAuthInvalidScope("more than the client may have")
