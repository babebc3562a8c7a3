"""Accounts: signing up, creating, disabling, and what they may do."""

from __future__ import annotations

from dataclasses import replace

from tallystick.authority.administrators import witnesses
from tallystick.authority.browser import demand_fresh, get_browser_session
from tallystick.authority.deliver import deliver_cookie
from tallystick.authority.devices import completed
from tallystick.authority.issued import SignedIn
from tallystick.authority.links import ask_for_account
from tallystick.authority.notices import tell_owner
from tallystick.authority.passwords import hash_new_password, prove_known_password
from tallystick.authority.settle import commit, settle
from tallystick.authority.throttling import begin_attempt
from tallystick.authority.world import World
from tallystick.core.ids import PrincipalId
from tallystick.core.revocation.entry import Ending, Kind
from tallystick.core.session import decide
from tallystick.core.session.decision import Append, Decision, Event, Outcome
from tallystick.errors import InvalidRequest, NotFound
from tallystick.identity.account import Account, is_permission
from tallystick.identity.identifier import canonical_email
from tallystick.identity.throttle import SIGN_UP, network_of
from tallystick.ports import Committed, PutAccount


async def create_account(world: World, email: str, password: str, permissions: frozenset[str]) -> Account:
    """Creates an account.

    Raises:
        InvalidRequest: the address or a permission is malformed.
        PasswordRefused: the password breaks a rule; `public` says which.
        AlreadyExists: there is an account with this address.
        Overloaded, Unavailable: nothing changed.
    """
    identifier = canonical_email(email)
    for one in permissions:
        _demand_permission(one)
    hashed = await hash_new_password(world, password, identifier)
    now = world.clock.now()
    account = Account(
        id=world.new_principal_id(),
        version=0,
        email=email.strip(),
        identifier=identifier,
        password_hash=hashed,
        permissions=permissions,
        enabled=True,
        created_at=now,
        password_changed_at=now,
    )
    decision = Decision(Outcome.ALLOWED, events=(Event("account.created"),))
    await commit(world, decision, PutAccount(account), now=now, principal=account.id)
    return replace(account, version=1)


async def sign_up(world: World, email: str, password: str, *, network: str) -> Account | None:
    """Creates an account for whoever asks, throttled by network; it may do nothing special.

    With a mailer nothing is created yet and None is given, whether or not the address is taken: a mail tells its reader how
    it goes on (links.py).

    Raises:
        Throttled: too many accounts came from there.
        AlreadyExists: there is an account with this address; only without a mailer.
        InvalidRequest, PasswordRefused, Overloaded, Unavailable: as create_account.
    """
    if world.mailer is not None:
        await ask_for_account(world, email, password, network=network)
        return None
    canonical_email(email)
    await begin_attempt(world, SIGN_UP, SIGN_UP, f"sign-up:{network_of(network)}", network)
    return await create_account(world, email, password, frozenset())


async def find_account(world: World, email_or_id: str) -> Account | None:
    """Finds an account by address or id."""
    principal = PrincipalId.parse(email_or_id)
    if principal is not None:
        return (await world.store.facts_of_account(principal)).account
    try:
        identifier = canonical_email(email_or_id)
    except InvalidRequest:
        return None
    return (await world.store.facts_of_account(identifier)).account


async def disable_account(
    world: World, principal: PrincipalId, *, everywhere: bool, keep_an_administrator: bool = False
) -> Committed:
    """Disables an account and ends all of its sessions, in one commit.

    Args:
        world: ports and policy.
        principal: whose.
        everywhere: ask every verifier to ack the ending.
        keep_an_administrator: refuse if nobody would be left who may administer.

    Raises:
        NotFound: there is no such account.
        LastAdministrator: it is the last one, and that was not to be.
    """

    async def once() -> Committed:
        now = world.clock.now()
        account = await _get(world, principal)
        more = await witnesses(world, account) if keep_an_administrator else ()
        cut = decide.cut(Ending(Kind.PRINCIPAL, principal))
        decision = replace(cut, events=(Event("account.disabled"), *cut.events))
        disabled = PutAccount(replace(account, enabled=False))
        return await commit(world, decision, disabled, *more, now=now, everywhere=everywhere, principal=principal)

    return await settle(world, once)


async def permit(
    world: World, principal: PrincipalId, permission: str, *, granted: bool, keep_an_administrator: bool = False
) -> Account:
    """Grants or withdraws a permission; every credential of the account must look again.

    Args:
        world: ports and policy.
        principal: whose.
        permission: which.
        granted: False takes it away.
        keep_an_administrator: refuse to take it away if nobody would be left who may administer.

    Raises:
        InvalidRequest: the permission is malformed.
        NotFound: there is no such account.
        LastAdministrator: it is the last one's, and that was not to be.
    """
    _demand_permission(permission)

    async def once() -> Account:
        now = world.clock.now()
        account = await _get(world, principal)
        held = account.permissions | {permission} if granted else account.permissions - {permission}
        if held == account.permissions:
            return account
        changed = replace(account, permissions=held)
        decision = Decision(
            Outcome.ALLOWED,
            changes=(Append(Ending(Kind.OUTDATED_PRINCIPAL, principal)),),
            events=(Event("account.permitted", None, (("permission", permission), ("granted", str(granted).lower()))),),
        )
        taking = keep_an_administrator and not granted
        more = await witnesses(world, account, permission) if taking else ()
        await commit(world, decision, PutAccount(changed), *more, now=now, principal=principal)
        return replace(changed, version=account.version + 1)

    return await settle(world, once)


async def change_password(world: World, cookie: str, old: str, new: str, *, network: str) -> SignedIn:
    """Changes a password: every session of the account ends but the browser's that asks, which is born again.

    Raises:
        AuthenticationFailed: the old password is wrong.
        AuthenticationTooOld: the account has a second factor, and the session is not fresh.
        PasswordRefused: the new one breaks a rule; `public` says which.
    """
    hashed: list[str] = []

    async def once() -> SignedIn:
        present = await get_browser_session(world, cookie, world.clock.now())
        if present.account.authenticators.second_factor:
            # The password alone would be less than what signs in.
            demand_fresh(world, present, world.clock.now())
        await prove_known_password(world, present.account, old, network=network, session=present.session)
        if not hashed:
            hashed.append(await hash_new_password(world, new, present.account.identifier))
        now = world.clock.now()
        ending = decide.end_all_but(
            present.standing, present.account.id, world.entropy.bytes(32), now, level=present.level
        )
        decision = replace(ending, events=(Event("password.changed"), *ending.events))
        assert decision.to_deliver is not None
        changed = present.account.with_password(hashed[0], now)
        committed = await commit(world, decision, PutAccount(changed), now=now)
        session = committed.sessions.get(present.session.id, decision.to_deliver.session)
        return deliver_cookie(world, decision.to_deliver, session, changed, committed.position, now=now)

    signed = await settle(world, once)
    tell_owner(world, signed.account, "password_changed", network=network)
    return completed(world, signed, None, network=network, known=True)


async def _get(world: World, principal: PrincipalId) -> Account:
    account = (await world.store.facts_of_account(principal)).account
    if account is None:
        raise NotFound(f"no account {principal}", public="There is no such account.")
    return account


def _demand_permission(text: str) -> None:
    if not is_permission(text):
        raise InvalidRequest(
            "a permission is a scope token of at most 128 characters", public="The permission is malformed."
        )
