"""The second step of a sign-in or a step-up: a proof is judged, and everything that it changes is one commit."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Literal

from tallystick.authority.browser import get_browser_session
from tallystick.authority.deliver import deliver_cookie
from tallystick.authority.issued import SignedIn, Tokens
from tallystick.authority.opening import Proved, open_for_app, open_for_browser
from tallystick.authority.pending import PENDING, STEP_UP, challenge_of, challenge_subject, get_handle, wish_of
from tallystick.authority.settle import commit, settle
from tallystick.authority.sign_in import demand_first_party
from tallystick.authority.telling import tell_failure, tell_success
from tallystick.authority.throttling import begin_attempt, forgive, take_back
from tallystick.authority.world import World
from tallystick.core.ids import PrincipalId
from tallystick.core.session import decide
from tallystick.core.session.decision import Event
from tallystick.core.session.handle import Handle
from tallystick.core.session.model import Authentication
from tallystick.errors import AuthenticationExpired, AuthenticationFailed, Conflict, Misconfigured, Unavailable
from tallystick.identity.account import Account
from tallystick.identity.authenticators import Authenticators
from tallystick.identity.factors import (
    FactorProof,
    Method,
    PasskeyAssertion,
    RecoveryCode,
    TotpCode,
    authentication_of,
    method_of,
)
from tallystick.identity.passkey import counts_on, principal_of
from tallystick.identity.recovery_code import digest_of_recovery_code
from tallystick.identity.throttle import FACTOR, FACTOR_ANYWHERE
from tallystick.identity.totp import matching_step
from tallystick.ports import Facts, PutAccount, RedeemHandle

TOTP_PURPOSE = "totp"
Deliver = Literal["cookie", "tokens"]
_WRONG_CODE = "The code is wrong, or was used before."
_WRONG_PASSKEY = "The passkey was not accepted."


async def prove(
    world: World, handle: str, proof: FactorProof, *, network: str, cookie: str | None, deliver: Deliver
) -> SignedIn | Tokens:
    """Judges a proof for a sign-in that waits for it, and opens the session; or steps up the session that asked.

    Args:
        world: ports and policy.
        handle: as `Pending` or `StepUp` gave it.
        proof: what was proved.
        network: the client's address, for the throttle.
        cookie: the session cookie that the request carried, if any; a step-up needs that of its session.
        deliver: what the request wants; a sign-in that began for the other is refused.

    Raises:
        AuthenticationExpired: the handle is none, was redeemed, took too long, or the account changed since.
        AuthenticationFailed: the proof is wrong; the handle stays good.
        Throttled: too many proofs were wrong; nothing was judged.
        Unavailable: nothing was consumed.
    """
    attempt = _Attempt(world, network)

    async def once() -> SignedIn | Tokens:
        pending = await get_handle(world, handle, PENDING, STEP_UP)
        attempt.alone = pending.principal is None
        if (pending.client is not None) != (deliver == "tokens"):
            raise AuthenticationExpired("the sign-in began for another kind of client")
        facts, account = await _facts(world, pending, proof)
        attempt.guessable = not isinstance(proof, PasskeyAssertion)
        await attempt.count(account)
        changed = judge(world, account, pending, proof, world.clock.now())
        if pending.kind == STEP_UP:
            return await _step_up(world, pending, account, changed, method_of(proof), cookie)
        return await _open(world, pending, facts, account, changed, proof, network, cookie)

    try:
        done = await settle(world, once)
    except AuthenticationFailed:
        attempt.tell_failure(method_of(proof))
        raise
    except Unavailable:
        await attempt.undo()
        raise
    await attempt.forgive()
    attempt.tell_success(method_of(proof))
    return done


class _Attempt:
    """One attempt, counted once however often a lost race is decided again.

    `alone`: no password came before it. `guessable`: it is a code; nobody guesses a signature, and what nobody guesses is
    not counted, so that a stranger's wrong proofs keep no passkey out.
    """

    alone = False
    guessable = True

    def __init__(self, world: World, network: str) -> None:
        self._world, self._network = world, network
        self._subject: str | None = None
        self._principal: PrincipalId | None = None

    def tell_success(self, method: Method) -> None:
        tell_success(self._world, method, network=self._network, principal=self._principal)

    def tell_failure(self, method: Method) -> None:
        subject = self._principal or ""
        reason = "wrong" if self._principal else "unknown"
        tell_failure(self._world, method, reason, subject=subject, network=self._network, principal=self._principal)

    async def count(self, account: Account) -> None:
        self._principal = account.id
        if self._subject is None:
            subject = f"factor:{account.id}"
            if self.guessable:
                await begin_attempt(self._world, FACTOR, FACTOR_ANYWHERE, subject, self._network)
                self._subject = subject

    async def undo(self) -> None:
        if self._subject is not None:
            with suppress(Unavailable):
                await take_back(self._world, self._subject, self._network)

    async def forgive(self) -> None:
        if self._subject is not None:
            # The commit is done: what was opened is handed out, also when a counter cannot be written.
            with suppress(Unavailable):
                await forgive(self._world, self._subject, self._network)
        if self.alone:
            with suppress(Unavailable):
                await take_back(self._world, challenge_subject(self._network), self._network)


async def _facts(world: World, pending: Handle, proof: FactorProof) -> tuple[Facts, Account]:
    principal = pending.principal or _whose(world, proof)
    if pending.client is None:
        facts = await world.store.facts_of_account(principal)
    else:
        facts = await world.store.facts_of_account_and_client(principal, pending.client)
    account = facts.account
    if pending.principal is None:
        if account is None or not account.enabled:
            raise AuthenticationFailed("a passkey of no account", public=_WRONG_PASSKEY)
    elif account is None or not account.enabled or facts.cuts.newest > pending.born:
        # The password that was proved may be another by now, so nothing that rests on it is opened.
        raise AuthenticationExpired("the account changed since the password was proved")
    return facts, account


def _whose(world: World, proof: FactorProof) -> PrincipalId:
    if not isinstance(proof, PasskeyAssertion):
        raise AuthenticationFailed("a code without a password", public=_WRONG_PASSKEY)
    principal = principal_of(world.passkeys.named(proof.response).user_handle)
    if principal is None:
        raise AuthenticationFailed("a passkey that does not say whose it is", public=_WRONG_PASSKEY)
    return principal


def judge(world: World, account: Account, pending: Handle, proof: FactorProof, now: int) -> Authenticators:
    """Judges a proof against an account's authenticators.

    Returns:
        The authenticators as the proof leaves them: a step used, a code gone, a counter moved. Whoever commits them
        compares the account's version, so of two that use the same code one wins.

    Raises:
        AuthenticationFailed: it is wrong.
    """
    held = account.authenticators
    match proof:
        case TotpCode(code):
            return with_totp_used(world, held, code, now)
        case RecoveryCode(code):
            digest = digest_of_recovery_code(code)
            if digest is None or digest not in held.recovery or not held.second_factor:
                raise AuthenticationFailed("a recovery code", public=_WRONG_CODE)
            return replace(held, recovery=held.recovery - {digest})
        case PasskeyAssertion(response):
            return _with_passkey_used(world, account, pending, response, now)


def with_totp_used(world: World, held: Authenticators, code: str, now: int) -> Authenticators:
    """Gives the authenticators with a code's step used; raises AuthenticationFailed."""
    totp = held.totp
    step = None
    if totp is not None:
        step = matching_step(_unsealed(world, totp.sealed), code, now, totp.last_step)
    if totp is None or step is None:
        raise AuthenticationFailed("a TOTP code", public=_WRONG_CODE)
    return replace(held, totp=replace(totp, last_step=step, used_at=now))


def _unsealed(world: World, sealed: bytes) -> bytes:
    try:
        return world.sealer.unseal(TOTP_PURPOSE, sealed)
    except Misconfigured as error:
        # The root key is not the one of before: our own trouble, of which whoever signs in can do nothing.
        raise Unavailable(error.detail, retry_after_s=60) from None


def _with_passkey_used(world: World, account: Account, pending: Handle, response: str, now: int) -> Authenticators:
    held = account.authenticators
    named, challenge = world.passkeys.named(response), challenge_of(pending)
    passkey = next((one for one in held.passkeys if one.id == named.id), None)
    if passkey is None or not challenge:
        raise AuthenticationFailed("a passkey that the account does not have", public=_WRONG_PASSKEY)
    asserted = world.passkeys.asserted(response, challenge, passkey)
    if not counts_on(passkey.sign_count, asserted.sign_count):
        world.events.tell((Event("passkey.copied"),), principal=account.id)
        raise AuthenticationFailed("a passkey whose counter went back: a copy", public=_WRONG_PASSKEY)
    used = replace(passkey, sign_count=asserted.sign_count, backed_up=asserted.backed_up, used_at=now)
    return replace(held, passkeys=tuple(used if one is passkey else one for one in held.passkeys))


async def _open(
    world: World,
    pending: Handle,
    facts: Facts,
    account: Account,
    changed: Authenticators,
    proof: FactorProof,
    network: str,
    cookie: str | None,
) -> SignedIn | Tokens:
    wish, now = wish_of(pending), world.clock.now()
    methods: tuple[Method, ...] = ("password",) if wish.first == "password" else ()
    proved = Proved(
        facts,
        account,
        authentication_of(now, *methods, method_of(proof)),
        # A passkey alone relied on nothing before this read.
        pending.born if pending.principal is not None else facts.position,
        network,
        wish.label,
        replace(account, authenticators=changed),
        pending.digest,
    )
    if wish.client is None:
        return await open_for_browser(world, proved, cookie, stay=wish.stay)
    demand_first_party(facts, wish.scope)
    return await open_for_app(world, proved, wish.scope)


async def _step_up(
    world: World, pending: Handle, account: Account, changed: Authenticators, method: Method, cookie: str | None
) -> SignedIn:
    now = world.clock.now()
    present = await get_browser_session(world, cookie or "", now)
    if present.session.id != pending.session:
        raise AuthenticationExpired("a step-up of another session")
    again: Authentication = authentication_of(now, method)
    decision = decide.step_up(present.standing, present.digest, again, world.entropy.bytes(32), world.policy, now)
    if decision.to_deliver is None:
        raise Conflict("the session changed meanwhile")
    after = replace(account, authenticators=changed)
    committed = await commit(world, decision, PutAccount(after), RedeemHandle(pending.digest), now=now)
    session = committed.sessions.get(present.session.id, decision.to_deliver.session)
    return deliver_cookie(world, decision.to_deliver, session, after, present.standing.position, now=now)
