"""Proving and setting passwords, through the bounded hashing pool."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from tallystick.authority.throttling import begin_attempt, forgive, take_back
from tallystick.authority.world import World
from tallystick.core.ids import ClientId
from tallystick.core.secret import Digest
from tallystick.core.session.model import Session
from tallystick.errors import AuthenticationFailed, Conflict, Unavailable
from tallystick.identity.account import Account
from tallystick.identity.identifier import canonical_email
from tallystick.identity.password import check_new_password, normalised
from tallystick.identity.throttle import PASSWORD, PASSWORD_ANYWHERE
from tallystick.ports import Facts, PutAccount

if TYPE_CHECKING:
    from tallystick.authority.sign_in import Proof


async def prove_password(
    world: World,
    email: str,
    proof: Proof,
    *,
    network: str,
    client: ClientId | None = None,
    known: Session | None = None,
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
        subject = _subject(account, identifier, known)
        right = await _attempt(world, proof.password, stored, subject, network)
        if not right or account is None or not account.enabled:
            raise AuthenticationFailed(f"password for {subject}")
        await forgive(world, subject, network)
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
    subject = _subject(account, account.identifier, session)
    if not await _attempt(world, password, account.password_hash, subject, network) or not account.enabled:
        raise AuthenticationFailed(f"password for {subject}")
    await forgive(world, subject, network)


async def _attempt(world: World, password: str, stored: str | None, subject: str, network: str) -> bool:
    """Counts an attempt, then looks at the password; what our own trouble kept from being looked at was no guess."""
    await begin_attempt(world, PASSWORD, PASSWORD_ANYWHERE, subject, network)
    try:
        return await world.hasher.verify(normalised(password), stored)
    except Unavailable:
        with suppress(Unavailable):
            await take_back(world, subject, network)
        raise


async def hash_new_password(world: World, password: str, identifier: str) -> str:
    """Checks a new password against the rules and hashes it.

    Raises:
        PasswordRefused: it breaks a rule; `public` says which.
        Overloaded: the hashing queue is full.
    """
    checked = check_new_password(password, world.passwords, context=(identifier, world.issuer))
    return await world.hasher.hash(checked)


def _subject(account: Account | None, identifier: str, known: Session | None) -> str:
    # One counter per account whatever identifier was typed; the digest keeps addresses without an account out of the store.
    if account is None:
        return f"password:{Digest.of(identifier).hex()[:22]}"
    # A live session is proof of a device that signed in before: it has counters of its own, which only its cookie moves.
    if known is not None and known.principal == account.id:
        return f"password:{account.id}:{known.id}"
    return f"password:{account.id}"


async def _upgraded(world: World, account: Account, password: str, stored: str) -> str:
    """Hashes anew what was stored by an older kind or cheaper parameters; not a change of the password, so nothing ends."""
    if not world.hasher.needs_rehash(stored):
        return stored
    hashed = await world.hasher.hash(normalised(password))
    await world.store.commit((PutAccount(replace(account, password_hash=hashed)),), now=world.clock.now())
    return hashed
