"""Adding and removing second factors. Each needs a fresh session, and is one commit of the account.

Nothing ends by it: what an account may do does not change. The page offers to end all other sessions.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from tallystick.authority.acting import acting
from tallystick.authority.browser import BrowserSession, demand_fresh, get_browser_session
from tallystick.authority.issued import PasskeyOffer, TotpOffer
from tallystick.authority.notices import Notice, tell_owner
from tallystick.authority.pending import challenge_of, get_handle, put_handle
from tallystick.authority.proving import TOTP_PURPOSE, with_totp_used
from tallystick.authority.settle import commit, settle
from tallystick.authority.world import World
from tallystick.core.secret import Secret
from tallystick.core.session.decision import Decision, Event, Outcome
from tallystick.core.session.handle import Handle
from tallystick.errors import AlreadyExists, AuthenticationExpired, InvalidRequest, NotFound
from tallystick.identity.authenticators import NO_AUTHENTICATORS, Authenticators, Passkey, Totp
from tallystick.identity.passkey import CHALLENGE_BYTES, PASSKEYS_MAX, name_of, user_handle_of
from tallystick.identity.recovery_code import RANDOM_BYTES, codes_of, digest_of_recovery_code
from tallystick.identity.totp import SECRET_BYTES, provisioning_uri, written_secret
from tallystick.ports import PutAccount, RedeemHandle

TOTP_OFFER = "totp_offer"
PASSKEY_OFFER = "passkey_offer"
_WORDS = {"totp": "an app that shows codes", "passkey": "a passkey", "recovery_codes": "new recovery codes"}
_SEALED, _CHALLENGE = "sealed", "challenge"


async def _fresh(world: World, cookie: str) -> BrowserSession:
    now = world.clock.now()
    present = await get_browser_session(world, cookie, now)
    demand_fresh(world, present, now)
    return present


async def begin_totp(world: World, cookie: str) -> TotpOffer:
    """Makes the secret for an app that shows codes; nothing counts until its first code is confirmed.

    Raises:
        AuthenticationTooOld: the session is not fresh.
        AlreadyExists: the account has such an app; remove it first.
    """
    present = await _fresh(world, cookie)
    if present.account.authenticators.totp is not None:
        raise AlreadyExists("there is a TOTP app", public="There is an app already. Remove it first.")
    secret = world.entropy.bytes(SECRET_BYTES)
    sealed = urlsafe_b64encode(world.sealer.seal(TOTP_PURPOSE, secret)).decode()
    handle = await put_handle(
        world,
        TOTP_OFFER,
        present.standing.position,
        {_SEALED: sealed},
        principal=present.account.id,
        session=present.session.id,
    )
    issuer = urlsplit(world.issuer).hostname or world.issuer
    uri = provisioning_uri(secret, issuer, present.account.email)
    return TotpOffer(handle, Secret(written_secret(secret)), Secret(uri))


async def confirm_totp(world: World, cookie: str, handle: str, code: str) -> tuple[Secret, ...]:
    """Adds the app whose first code is right.

    Returns:
        Recovery codes, to be shown once; none if the account has some.

    Raises:
        AuthenticationFailed: the code is wrong; it may be typed again.
        AuthenticationExpired: the offer is over.
        AuthenticationTooOld: the session is not fresh.
    """

    async def once() -> tuple[Secret, ...]:
        present = await _fresh(world, cookie)
        offer = _own(await get_handle(world, handle, TOTP_OFFER), present)
        now, held = world.clock.now(), present.account.authenticators
        totp = Totp(urlsafe_b64decode(offer.facts[_SEALED]), -1, now, now)
        added = with_totp_used(world, replace(held, totp=totp), code, now)
        return await _keep(world, present, offer, added, "totp")

    return await settle(world, once)


async def remove_totp(world: World, cookie: str) -> None:
    """Takes the app away; raises NotFound if there is none, AuthenticationTooOld."""

    def without(held: Authenticators) -> Authenticators:
        if held.totp is None:
            raise NotFound("no TOTP app", public="There is no app.")
        return replace(held, totp=None)

    await _remove(world, cookie, "totp", without)


async def begin_passkey(world: World, cookie: str) -> PasskeyOffer:
    """Makes what a browser needs to make a passkey.

    Raises:
        AuthenticationTooOld: the session is not fresh.
        InvalidRequest: the account has 20 passkeys.
    """
    present = await _fresh(world, cookie)
    held = present.account.authenticators.passkeys
    if len(held) >= PASSKEYS_MAX:
        raise InvalidRequest("too many passkeys", public=f"An account has at most {PASSKEYS_MAX} passkeys.")
    challenge = world.entropy.bytes(CHALLENGE_BYTES)
    handle = await put_handle(
        world,
        PASSKEY_OFFER,
        present.standing.position,
        {_CHALLENGE: urlsafe_b64encode(challenge).decode()},
        principal=present.account.id,
        session=present.session.id,
    )
    options = world.passkeys.creation_options(
        user_handle=user_handle_of(present.account.id),
        user_name=present.account.email,
        challenge=challenge,
        excluded=held,
    )
    return PasskeyOffer(handle, options)


async def confirm_passkey(world: World, cookie: str, handle: str, response: str, name: str) -> tuple[Secret, ...]:
    """Adds the passkey that a browser made.

    Args:
        world: ports and policy.
        cookie: of the session that began it.
        handle: as the offer gave it.
        response: a PublicKeyCredential as its `toJSON()` gives it, in JSON.
        name: as its owner calls it.

    Returns:
        Recovery codes, to be shown once; none if the account has some.

    Raises:
        AuthenticationFailed: the answer is not right.
        AuthenticationExpired: the offer is over.
        AlreadyExists: the account has this passkey.
    """

    async def once() -> tuple[Secret, ...]:
        present = await _fresh(world, cookie)
        offer = _own(await get_handle(world, handle, PASSKEY_OFFER), present)
        now, held = world.clock.now(), present.account.authenticators
        made = world.passkeys.attested(response, challenge_of(offer))
        if any(one.id == made.id for one in held.passkeys):
            raise AlreadyExists("the passkey is there", public="This passkey is there already.")
        passkey = Passkey(
            made.id, made.public_key, made.sign_count, name_of(name), made.transports, made.backed_up, now, now
        )
        return await _keep(world, present, offer, replace(held, passkeys=(*held.passkeys, passkey)), "passkey")

    return await settle(world, once)


async def remove_passkey(world: World, cookie: str, passkey_id: str) -> None:
    """Takes a passkey away.

    Args:
        world: ports and policy.
        cookie: of a fresh session of its owner.
        passkey_id: its id in base64url, as `passkey_name` gives it.

    Raises:
        NotFound: the account has no such passkey.
        AuthenticationTooOld: the session is not fresh.
    """

    def without(held: Authenticators) -> Authenticators:
        rest = tuple(one for one in held.passkeys if written_passkey_id(one) != passkey_id)
        if len(rest) == len(held.passkeys):
            raise NotFound("no such passkey", public="There is no such passkey.")
        return replace(held, passkeys=rest)

    await _remove(world, cookie, "passkey", without)


def written_passkey_id(passkey: Passkey) -> str:
    """Gives a passkey's id in base64url, without padding."""
    return urlsafe_b64encode(passkey.id).rstrip(b"=").decode()


async def renew_recovery_codes(world: World, cookie: str) -> tuple[Secret, ...]:
    """Makes new recovery codes; the old ones are worthless at once.

    Raises:
        AuthenticationTooOld: the session is not fresh.
        NotFound: the account has no second factor that they would stand in for.
    """

    async def once() -> tuple[Secret, ...]:
        present = await _fresh(world, cookie)
        held = present.account.authenticators
        if not held.second_factor:
            raise NotFound("no second factor", public="There is no second factor yet.")
        codes = codes_of(world.entropy.bytes(RANDOM_BYTES))
        await _commit(
            world,
            present,
            _with_codes(held, codes, world.clock.now()),
            Event("authenticator.added", present.session.id, (("kind", "recovery_codes"),)),
        )
        return codes

    return await settle(world, once)


def _own(offer: Handle, present: BrowserSession) -> Handle:
    if offer.session != present.session.id:
        raise AuthenticationExpired("an offer to another session")
    return offer


def _with_codes(held: Authenticators, codes: tuple[Secret, ...], now: int) -> Authenticators:
    digests = (digest_of_recovery_code(code.reveal()) for code in codes)
    return replace(held, recovery=frozenset(one for one in digests if one is not None), recovery_made_at=now)


async def _keep(
    world: World, present: BrowserSession, offer: Handle, added: Authenticators, kind: str
) -> tuple[Secret, ...]:
    codes: tuple[Secret, ...] = ()
    if not added.recovery:
        codes = codes_of(world.entropy.bytes(RANDOM_BYTES))
        added = _with_codes(added, codes, world.clock.now())
    event = Event("authenticator.added", present.session.id, (("kind", kind),))
    await _commit(world, present, added, event, offer)
    return codes


async def _remove(world: World, cookie: str, kind: str, without: Callable[[Authenticators], Authenticators]) -> None:
    async def once() -> None:
        present = await _fresh(world, cookie)
        rest = without(present.account.authenticators)
        # Codes stand in for a factor; with the last one they go too.
        event = Event("authenticator.removed", present.session.id, (("kind", kind),))
        await _commit(world, present, rest if rest.second_factor else NO_AUTHENTICATORS, event)

    await settle(world, once)


async def _commit(
    world: World,
    present: BrowserSession,
    after: Authenticators,
    event: Event,
    offer: Handle | None = None,
) -> None:
    redeemed = () if offer is None else (RedeemHandle(offer.digest),)
    account = PutAccount(replace(present.account, authenticators=after))
    await commit(world, Decision(Outcome.ALLOWED, events=(event,)), account, *redeemed, now=world.clock.now())
    notice: Notice = "factor_added" if event.name == "authenticator.added" else "factor_removed"
    network = acting().network or present.session.network
    tell_owner(world, present.account, notice, network=network, factor=_WORDS[dict(event.facts)["kind"]])
