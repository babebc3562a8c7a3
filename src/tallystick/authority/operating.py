"""What only an administrator does: look for accounts, enable them, change the secrets of clients, look at endings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tallystick.authority.clients import new_secret
from tallystick.authority.settle import commit, settle
from tallystick.authority.world import World
from tallystick.core.ids import ClientId, PrincipalId
from tallystick.core.revocation.entry import Ending, Kind, Position, Revocation
from tallystick.core.secret import Digest, Secret
from tallystick.core.session.decision import Append, Decision, Event, Outcome
from tallystick.errors import InvalidRequest, NotFound
from tallystick.identity.account import Account
from tallystick.identity.identifier import canonical_email
from tallystick.oauth.client import Client
from tallystick.ports import PutAccount, PutClient

SECRETS_MAX = 2


async def get_account(world: World, principal: PrincipalId) -> Account:
    """Gives an account; raises NotFound."""
    account = (await world.store.facts_of_account(principal)).account
    if account is None:
        raise NotFound(f"no account {principal}", public="There is no such account.")
    return account


async def get_client(world: World, client: ClientId) -> Client:
    """Gives a client; raises NotFound."""
    found = (await world.store.facts_of_client(client)).client
    if found is None:
        raise NotFound(f"no client {client}", public="There is no such client.")
    return found


async def search_accounts(world: World, words: str, after: str, limit: int) -> Sequence[Account]:
    """Gives the accounts whose address begins with some words, or the one with this id, in order of identifier.

    Args:
        world: for the store.
        words: the beginning of an address, an address, or an id; all accounts if empty.
        after: begin after this identifier.
        limit: at most so many.
    """
    wanted = words.strip()
    principal = PrincipalId.parse(wanted)
    if principal is not None:
        found = (await world.store.facts_of_account(principal)).account
        return [found] if found is not None and not after else []
    beginning = _canonical_beginning(wanted)
    if not beginning:
        return await world.store.accounts(after, limit)
    # Identifiers are in order, so those that begin alike are neighbours; the first may be the words themselves.
    exact = (await world.store.facts_of_account(beginning)).account if beginning > after else None
    rest = await world.store.accounts(max(beginning, after), limit)
    alike = [account for account in rest if account.identifier.startswith(beginning)]
    return ([exact] if exact is not None else [])[:limit] + alike[: limit - (exact is not None)]


def _canonical_beginning(words: str) -> str:
    try:
        return canonical_email(words)
    except InvalidRequest:
        return words.casefold()


async def enable_account(world: World, principal: PrincipalId) -> Account:
    """Enables an account again. Its old sessions stay over: they ended when it was disabled.

    Raises:
        NotFound: there is no such account.
    """

    async def once() -> Account:
        account = await get_account(world, principal)
        if account.enabled:
            return account
        enabled = replace(account, enabled=True)
        decision = Decision(Outcome.ALLOWED, events=(Event("account.enabled"),))
        await commit(world, decision, PutAccount(enabled), now=world.clock.now(), principal=principal)
        return replace(enabled, version=account.version + 1)

    return await settle(world, once)


async def enable_client(world: World, client: ClientId) -> Client:
    """Enables a client again. What it held stays over.

    Raises:
        NotFound: there is no such client.
    """

    async def once() -> Client:
        found = await get_client(world, client)
        if found.enabled:
            return found
        enabled = replace(found, enabled=True)
        decision = Decision(Outcome.ALLOWED, events=(Event("client.enabled"),))
        await commit(world, decision, PutClient(enabled), now=world.clock.now(), client=client)
        return replace(enabled, version=found.version + 1)

    return await settle(world, once)


async def rotate_secret(world: World, client: ClientId) -> tuple[Client, Secret]:
    """Gives a client a new secret; the newest of the old ones stays good until it is withdrawn, so that nothing breaks.

    Returns:
        The client, and its new secret, which is given here and never again.

    Raises:
        NotFound: there is no such client.
        InvalidRequest: a client of this kind has no secret.
    """
    secret = new_secret(world)

    async def once() -> Client:
        found = await get_client(world, client)
        if not found.confidential:
            raise InvalidRequest(f"a {found.kind} client has no secret", public="A client of this kind has no secret.")
        kept = found.secrets[-(SECRETS_MAX - 1) :]
        changed = replace(found, secrets=(*kept, Digest.of(secret.reveal())))
        dropped = len(found.secrets) - len(kept)
        decision = Decision(
            Outcome.ALLOWED,
            changes=_mint_again(found) if dropped else (),
            events=(Event("client.secret_added", None, (("live", str(len(changed.secrets))),)),),
        )
        await commit(world, decision, PutClient(changed), now=world.clock.now(), client=client)
        return replace(changed, version=found.version + 1)

    return await settle(world, once), secret


async def withdraw_old_secret(world: World, client: ClientId) -> Client:
    """Takes every secret but the newest from a client; what a service was given with an older one must be minted anew.

    Raises:
        NotFound: there is no such client.
    """

    async def once() -> Client:
        found = await get_client(world, client)
        if len(found.secrets) < SECRETS_MAX:
            return found
        changed = replace(found, secrets=found.secrets[-1:])
        decision = Decision(Outcome.REVOKED, changes=_mint_again(found), events=(Event("client.secret_withdrawn"),))
        await commit(world, decision, PutClient(changed), now=world.clock.now(), client=client)
        return replace(changed, version=found.version + 1)

    return await settle(world, once)


def _mint_again(client: Client) -> tuple[Append, ...]:
    # A service is remembered for a while with the secrets it had; its principal's entry makes every process look again.
    return (Append(Ending(Kind.OUTDATED_PRINCIPAL, client.principal)),) if client.kind == "service" else ()


async def endings(world: World, before: Position | None, limit: int) -> Sequence[Revocation]:
    """Gives entries of the log, newest first.

    Args:
        world: for the store.
        before: only what comes before this position; from the head if None.
        limit: at most so many.
    """
    head = await world.store.head()
    end = head.seq + 1 if before is None or before.epoch != head.epoch else before.seq
    page = await world.store.log_page(Position(head.epoch, max(0, end - 1 - limit)), limit)
    return [entry for entry in reversed(page) if entry.position.seq < end]
