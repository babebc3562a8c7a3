"""Links in mails: an address is verified, a forgotten password is replaced. Each works once, for half an hour.

Theory of operation. A link is a handle: 256 random bits, of which the store keeps the SHA-256. Asking for one is answered
before anything is looked up (errands.py), so that neither body nor status nor time tell whether there is an account.

*Sign-up.* With a mailer there is no account until its address is proved. What was typed waits in the handle, the password as
a sealed hash. So nobody can occupy an address that is not theirs, and a sign-up never touches what another sign-up typed.
The link alone does nothing: whoever opens it gives the password again. Otherwise a stranger could sign up with somebody
else's address, and a click on the mail would verify the account for the stranger, who knows its password.

*Reset.* A link is bound to the account and to the instant of its last change of password, which grows with every change:
whatever changes the password kills every link that was sent before. It is consumed in the commit that writes the new hash
and the principal's cut: two uses have one winner, and a sign-in that relied on the old hash is born before the cut. Older
links stay good beside newer ones, so that a stranger who asks again does not spoil the one that its owner is about to open;
the number of mails to one address is bounded instead.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import replace
from functools import partial
from urllib.parse import quote

from tallystick.authority.devices import device_cookie
from tallystick.authority.issued import PasswordReset
from tallystick.authority.notices import tell_owner
from tallystick.authority.passwords import hash_new_password, prove_link_password
from tallystick.authority.settle import commit, settle
from tallystick.authority.throttling import begin_attempt, count_failure, forgive, may_write
from tallystick.authority.world import World
from tallystick.core.revocation.entry import Ending, Kind, Position
from tallystick.core.secret import Secret
from tallystick.core.session import decide
from tallystick.core.session.decision import Decision, Event, Outcome
from tallystick.core.session.handle import HANDLE_SECRET_BYTES, Handle, digest_of_handle, handle_of
from tallystick.errors import AlreadyExists, LinkInvalid, NotFound
from tallystick.identity.account import Account
from tallystick.identity.identifier import canonical_email
from tallystick.identity.throttle import LINK, RESET, SIGN_UP, network_of
from tallystick.ports import DropHandles, Letter, LetterKind, PutAccount, PutHandle, RedeemHandle

VERIFY, RESET_KIND, NOBODY = "verify", "reset", "nobody"
_SEALED = "sign-up"


async def ask_for_account(world: World, email: str, password: str, *, network: str) -> None:
    """Takes a sign-up; a mail says how it goes on, to whoever reads mail at the address. See accounts.sign_up."""
    identifier = canonical_email(email)
    await begin_attempt(world, SIGN_UP, SIGN_UP, f"sign-up:{network_of(network)}", network)
    hashed = await hash_new_password(world, password, identifier)
    world.errands.add("sign-up", partial(_offer_account, world, email.strip(), identifier, hashed))


async def _offer_account(world: World, email: str, identifier: str, hashed: str) -> None:
    facts = await world.store.facts_of_account(identifier)
    if not await may_write(world, identifier):
        _withheld(world, VERIFY, "too many")
    elif facts.account is None:
        sealed = b64encode(world.sealer.seal(_SEALED, hashed.encode())).decode()
        link, handle = _link(world, VERIFY, facts.position, facts={"email": email, "password": sealed})
        await _send(world, link, handle, "verify", email)
    else:
        await _put(world, _link(world, NOBODY, facts.position)[1])
        if facts.account.enabled:
            _post(world, "taken", facts.account.email, world.clock.now() + world.policy.link_lifetime, facts.account)


async def verify_address(world: World, link: str, password: str, *, network: str) -> Account:
    """Makes the account of a sign-up whose link came back, with the password that was chosen then.

    Args:
        world: ports and policy.
        link: the value from the mail.
        password: what was chosen at sign-up.
        network: the client's address, for the throttle.

    Raises:
        LinkInvalid: it is none, was used, is too old, or the address got an account by another link.
        AuthenticationFailed: the password is another; the link stays good.
        Throttled, Overloaded, Unavailable: nothing changed.
    """
    proved: list[str] = []

    async def once() -> Account:
        handle = await _get(world, link, VERIFY, network)
        hashed = world.sealer.unseal(_SEALED, b64decode(handle.facts["password"])).decode()
        if not proved:
            await prove_link_password(world, password, hashed, f"link:{handle.digest.hex()}", network)
            proved.append(hashed)
        now, email = world.clock.now(), handle.facts["email"]
        account = Account(
            id=world.new_principal_id(),
            version=0,
            email=email,
            identifier=canonical_email(email),
            password_hash=hashed,
            permissions=frozenset(),
            enabled=True,
            created_at=now,
            password_changed_at=now,
            verified_at=now,
        )
        events = (Event("account.created"), Event("account.verified"))
        decision = Decision(Outcome.ALLOWED, events=events)
        try:
            await commit(
                world, decision, RedeemHandle(handle.digest), PutAccount(account), now=now, principal=account.id
            )
        except AlreadyExists:
            raise LinkInvalid("the address has an account by now") from None
        return replace(account, version=1)

    return await settle(world, once)


async def ask_for_reset(world: World, email: str, *, network: str) -> None:
    """Takes the wish for a new password; a mail goes to the owner of the account, if there is one.

    Raises:
        NotFound: there is no mailer.
        InvalidRequest: it is no address.
        Throttled: too many were asked for from there.
    """
    if world.mailer is None:
        raise NotFound("no mailer", public="Passwords cannot be reset here: ask an administrator.")
    identifier = canonical_email(email)
    await begin_attempt(world, RESET, RESET, f"reset:{network_of(network)}", network)
    world.errands.add("reset", partial(_offer_reset, world, identifier, network))


async def _offer_reset(world: World, identifier: str, network: str) -> None:
    facts = await world.store.facts_of_account(identifier)
    account = facts.account
    if not await may_write(world, identifier):
        _withheld(world, RESET_KIND, "too many")
    elif account is None or not account.enabled:
        # As much is written as for an account, so that the store's time does not tell either.
        await _put(world, _link(world, NOBODY, facts.position)[1])
        _withheld(world, RESET_KIND, "no account")
    else:
        bound = {"password_changed_at": str(account.password_changed_at)}
        link, handle = _link(world, RESET_KIND, facts.position, account, facts=bound)
        await _send(world, link, handle, "reset", account.email, account, network=network)


async def reset_password(world: World, link: str, new: str, *, network: str) -> PasswordReset:
    """Replaces a forgotten password: every session of the account ends, offline access included, in the same commit.

    Nobody is signed in by it, and a second factor is asked for at the next sign-in as ever.

    Args:
        world: ports and policy.
        link: the value from the mail.
        new: the new password.
        network: the client's address, for the throttle.

    Raises:
        LinkInvalid: it is none, was used, is too old, or the password changed since it was sent.
        PasswordRefused: the new one breaks a rule; the link stays good.
        Throttled, Overloaded, Unavailable: nothing changed.
    """
    hashed: list[str] = []

    async def once() -> Account:
        handle = await _get(world, link, RESET_KIND, network)
        assert handle.principal is not None
        account = (await world.store.facts_of_account(handle.principal)).account
        if (
            account is None
            or not account.enabled
            or handle.facts["password_changed_at"] != str(account.password_changed_at)
        ):
            raise LinkInvalid("the account changed since the link was sent")
        if not hashed:
            hashed.append(await hash_new_password(world, new, account.identifier))
        now = world.clock.now()
        changed = replace(
            account.with_password(hashed[0], now),
            verified_at=now if account.verified_at is None else account.verified_at,
        )
        cut = decide.cut(Ending(Kind.PRINCIPAL, account.id))
        writes = (RedeemHandle(handle.digest), DropHandles(account.id, RESET_KIND), PutAccount(changed))
        reset = replace(cut, events=(Event("account.password_reset"), *cut.events))
        await commit(world, reset, *writes, now=now, principal=account.id)
        return replace(changed, version=changed.version + 1)

    account = await settle(world, once)
    tell_owner(world, account, "password_changed", network=network)
    # Who reads the owner's mail is not kept out by what was guessed from here before.
    await forgive(world, f"password:{account.id}", network)
    return PasswordReset(account, device_cookie(world, account, None, world.clock.now()))


async def _get(world: World, link: str, kind: str, network: str) -> Handle:
    digest = digest_of_handle(link)
    handle = await world.store.find_handle(digest) if digest is not None else None
    if handle is None or not handle.good(kind, world.clock.now()):
        await count_failure(world, LINK, "link", network)
        raise LinkInvalid("unknown, used or too old")
    return handle


def _link(
    world: World, kind: str, born: Position, account: Account | None = None, facts: dict[str, str] | None = None
) -> tuple[Secret, Handle]:
    now = world.clock.now()
    link = handle_of(world.entropy.bytes(HANDLE_SECRET_BYTES))
    digest = digest_of_handle(link.reveal())
    assert digest is not None
    principal = account.id if account is not None else None
    expires_at = now + world.policy.link_lifetime
    return link, Handle(digest, kind, 0, born, now, expires_at, principal=principal, facts=facts or {})


async def _put(world: World, handle: Handle) -> None:
    await world.store.commit((PutHandle(handle),), now=world.clock.now())


async def _send(
    world: World,
    link: Secret,
    handle: Handle,
    kind: LetterKind,
    to: str,
    account: Account | None = None,
    **words: str,
) -> None:
    """Commits a link, then posts it. Its URL is built from the issuer, never from what a request names as its host."""
    await _put(world, handle)
    url = Secret(f"{world.issuer}/{handle.kind}?link={quote(link.reveal())}")
    _post(world, kind, to, handle.expires_at, account, link=url, minutes=world.policy.link_lifetime // 60, **words)
    principal = account.id if account is not None else None
    world.events.tell((Event("link.sent", None, (("kind", handle.kind),)),), principal=principal)


def _post(
    world: World, kind: LetterKind, to: str, expires_at: int, account: Account | None, **words: str | int | Secret
) -> None:
    assert world.mailer is not None
    world.mailer.post(Letter(kind, to, expires_at, words, account.id if account is not None else None))


def _withheld(world: World, kind: str, because: str) -> None:
    world.events.tell((Event("link.withheld", None, (("kind", kind), ("because", because))),))
