"""Proving and setting passwords, through the bounded hashing pool."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from tallystick.authority.devices import find_device
from tallystick.authority.telling import tell_failure, tell_success
from tallystick.authority.throttling import begin_attempt, forgive, take_back
from tallystick.authority.world import World
from tallystick.core.ids import ClientId
from tallystick.core.secret import Digest
from tallystick.core.session.model import Session
from tallystick.errors import AuthenticationFailed, Conflict, Throttled, Unavailable
from tallystick.identity.account import Account
from tallystick.identity.device import Device
from tallystick.identity.identifier import canonical_email
from tallystick.identity.password import check_new_password, normalised
from tallystick.identity.throttle import PASSWORD, PASSWORD_ANYWHERE, PASSWORD_DEVICE, Rule
from tallystick.ports import Facts, PutAccount

if TYPE_CHECKING:
    from tallystick.authority.sign_in import Proof


class _Counter(NamedTuple):
    """Under what an attempt is counted, and how guesses from anywhere are slowed down there."""

    subject: str
    wide: Rule


async def prove_password(
    world: World,
    email: str,
    proof: Proof,
    *,
    network: str,
    client: ClientId | None = None,
    known: Session | None = None,
    device: str | None = None,
) -> tuple[Facts, Account]:
    """Finds the account of an identifier and proves its password.

    The position of the facts is read before the account row, so a sign-in that rests on them is born before any later
    change of the password.

    Args:
        world: ports and policy.
        email: the identifier as typed.
        proof: the password; remembers the hash that it matched, so that a lost race does not hash again.
        network: the client's address.
        client: a client to load with the account.
        known: a live session that the request presents; if it is this account's, strangers' guesses do not slow it down.
        device: the device cookie that the request carries; if it is known to the account, neither.

    Raises:
        AuthenticationFailed: there is no such account, it is disabled, or the password is wrong; all cost the same time.
        Throttled: too many attempts.
        Overloaded: the hashing queue is full; nothing was hashed.
    """
    identifier = canonical_email(email)
    if client is None:
        facts = await world.store.facts_of_account(identifier)
    else:
        facts = await world.store.facts_of_account_and_client(identifier, client)
    account = facts.account
    stored = account.password_hash if account is not None else None
    if stored is None or stored != proof.matched:
        own = _own_counter(account, known, find_device(world, device, account, world.clock.now()))
        counter = _counter(account, identifier)
        right = await _attempt(world, proof.password, stored, (*own, counter), network)
        if not right or account is None or not account.enabled:
            _tell_failure(world, account, identifier, network, right=right)
            raise AuthenticationFailed(f"password for {counter.subject}")
        tell_success(world, "password", network=network, principal=account.id, client=client)
        assert stored is not None
        proof.matched = await _upgraded(world, account, proof.password, stored)
        if proof.matched != stored:
            raise Conflict("the hash was upgraded: load again")
    if account is None or not account.enabled:
        raise AuthenticationFailed("the account was disabled meanwhile")
    return facts, account


async def prove_known_password(
    world: World, account: Account, password: str, *, network: str, session: Session
) -> None:
    """Proves the password of an account from a live session of it; raises as prove_password."""
    counters = _own_counter(account, session, None)
    if not await _attempt(world, password, account.password_hash, counters, network) or not account.enabled:
        _tell_failure(world, account, account.identifier, network, right=False)
        raise AuthenticationFailed(f"password for {account.id}")
    tell_success(world, "password", network=network, principal=account.id)


async def prove_link_password(world: World, password: str, hashed: str, subject: str, network: str) -> None:
    """Proves the password that waits behind a link; raises AuthenticationFailed, Throttled, Overloaded."""
    if not await _attempt(world, password, hashed, (_Counter(subject, PASSWORD_DEVICE),), network):
        raise AuthenticationFailed("password for a link", public="This is not the password that was chosen at sign-up.")


async def _attempt(world: World, password: str, stored: str | None, counters: Sequence[_Counter], network: str) -> bool:
    """Counts an attempt, then looks at the password; what our own trouble kept from being looked at was no guess."""
    subject = await _begin(world, counters, network)
    try:
        right = await world.hasher.verify(normalised(password), stored)
    except Unavailable:
        with suppress(Unavailable):
            await take_back(world, subject, network)
        raise
    if right:
        await forgive(world, subject, network)
    return right


async def _begin(world: World, counters: Sequence[_Counter], network: str) -> str:
    """Counts an attempt under the first counter that allows one, and gives its subject; raises Throttled if none does."""
    *own, last = counters
    for counter in own:
        with suppress(Throttled):
            await begin_attempt(world, PASSWORD, counter.wide, counter.subject, network, tells=False)
            return counter.subject
    await begin_attempt(world, PASSWORD, last.wide, last.subject, network)
    return last.subject


def _tell_failure(world: World, account: Account | None, identifier: str, network: str, *, right: bool) -> None:
    if account is None:
        nobody = Digest.of(identifier).hex()[:22]
        tell_failure(world, "password", "unknown", subject=nobody, network=network)
        return
    reason = "disabled" if right or not account.enabled else "wrong"
    tell_failure(world, "password", reason, subject=account.id, network=network, principal=account.id)


async def hash_new_password(world: World, password: str, identifier: str) -> str:
    """Checks a new password against the rules and hashes it.

    Raises:
        PasswordRefused: it breaks a rule; `public` says which.
        Overloaded: the hashing queue is full.
    """
    checked = check_new_password(password, world.passwords, context=(identifier, world.issuer))
    return await world.hasher.hash(checked)


def _counter(account: Account | None, identifier: str) -> _Counter:
    # One counter per account whatever identifier was typed; the digest keeps addresses without an account out of the store.
    name = Digest.of(identifier).hex()[:22] if account is None else account.id
    return _Counter(f"password:{name}", PASSWORD_ANYWHERE)


def _own_counter(account: Account | None, known: Session | None, device: Device | None) -> tuple[_Counter, ...]:
    # A live session, or a device cookie, is proof of a sign-in before: it has a counter of its own, which strangers do not
    # move, and which allows whoever stole it only a few guesses.
    if account is None:
        return ()
    if known is not None and known.principal == account.id:
        return (_Counter(f"password:{account.id}:{known.id}", PASSWORD_DEVICE),)
    return (_Counter(f"password:{account.id}:{device.name}", PASSWORD_DEVICE),) if device is not None else ()


async def _upgraded(world: World, account: Account, password: str, stored: str) -> str:
    """Hashes anew what was stored by an older kind or cheaper parameters; not a change of the password, so nothing ends."""
    if not world.hasher.needs_rehash(stored):
        return stored
    hashed = await world.hasher.hash(normalised(password))
    await world.store.commit((PutAccount(replace(account, password_hash=hashed)),), now=world.clock.now())
    return hashed
