"""Sign-ins and step-ups that wait for a proof: begun here, found again, kept as a digest, redeemed once."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from tallystick.authority.browser import get_browser_session
from tallystick.authority.issued import Pending, StepUp
from tallystick.authority.settle import commit
from tallystick.authority.throttling import begin_attempt
from tallystick.authority.world import World
from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.revocation.entry import Position
from tallystick.core.secret import Digest, Secret
from tallystick.core.session.decision import Decision, Event, Outcome
from tallystick.core.session.handle import HANDLE_SECRET_BYTES, Handle, digest_of_handle, handle_of
from tallystick.errors import AuthenticationExpired
from tallystick.identity.account import Account
from tallystick.identity.authenticators import Authenticators
from tallystick.identity.factors import methods_of
from tallystick.identity.passkey import CHALLENGE_BYTES
from tallystick.identity.throttle import CHALLENGE, network_of
from tallystick.ports import PutHandle

PENDING = "pending"
STEP_UP = "step_up"
_CHALLENGE = "challenge"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a sign-in asked for, remembered until its last proof.

    Args:
        label: what the session may be recognised by.
        stay: the person asked to stay signed in.
        client: the app that it is for; None for a browser.
        scope: what the app asked for; None for all that it may have.
        first: the method that was proved already: `password`, or the empty text.
    """

    label: str
    stay: bool = False
    client: ClientId | None = None
    scope: frozenset[str] | None = None
    first: str = "password"

    def written(self) -> dict[str, str]:
        """Gives the facts that a handle keeps of it."""
        facts = {"label": self.label, "first": self.first, "stay": "1" if self.stay else ""}
        if self.scope is not None:
            facts["scope"] = " ".join(sorted(self.scope))
        return facts


def wish_of(handle: Handle) -> Wish:
    """Gives what a handle keeps of a wish."""
    facts = handle.facts
    scope = frozenset(facts["scope"].split()) if "scope" in facts else None
    return Wish(facts.get("label", ""), facts.get("stay") == "1", handle.client, scope, facts.get("first", ""))


def challenge_of(handle: Handle) -> bytes:
    """Gives the challenge of a passkey's ceremony; empty if there is none."""
    return urlsafe_b64decode(handle.facts.get(_CHALLENGE, ""))


async def put_handle(
    world: World,
    kind: str,
    born: Position,
    facts: Mapping[str, str],
    *,
    principal: PrincipalId | None = None,
    client: ClientId | None = None,
    session: SessionId | None = None,
    events: tuple[Event, ...] = (),
) -> Secret:
    """Makes a handle and keeps its digest; gives its value, after the commit."""
    value, now = handle_of(world.entropy.bytes(HANDLE_SECRET_BYTES)), world.clock.now()
    ends_at = now + world.policy.pending_lifetime
    handle = Handle(Digest.of(value.reveal()), kind, 0, born, now, ends_at, principal, client, session, facts=facts)
    await commit(world, Decision(Outcome.ALLOWED, events=events), PutHandle(handle), now=now)
    return value


async def get_handle(world: World, value: str, *kinds: str) -> Handle:
    """Gives a handle that may be redeemed now; raises AuthenticationExpired."""
    digest = digest_of_handle(value)
    handle = None if digest is None else await world.store.find_handle(digest)
    now = world.clock.now()
    if handle is None or not any(handle.good(kind, now) for kind in kinds):
        raise AuthenticationExpired("no such handle, or redeemed, or past its time")
    return handle


async def begin_pending(world: World, account: Account, born: Position, wish: Wish) -> Pending:
    """Begins to wait for a second factor. The password was right, and there is no session yet.

    Args:
        world: ports and policy.
        account: whose sign-in it is.
        born: the log position read before the first fact that the password rested on; the session is born there.
        wish: what to remember.
    """
    held = account.authenticators
    challenge, options = _asked(world, held)
    facts = wish.written() | challenge
    handle = await put_handle(
        world,
        PENDING,
        born,
        facts,
        principal=account.id,
        client=wish.client,
        events=(Event("authentication.pending", None, (("method", wish.first),)),),
    )
    return Pending(handle, methods_of(held), world.policy.pending_lifetime, options)


def challenge_subject(network: str) -> str:
    """Gives under what the challenges are counted that nobody's password stands before."""
    return f"challenge:{network_of(network)}"


async def begin_passkey_sign_in(world: World, *, network: str, stay: bool, label: str) -> Pending:
    """Begins a sign-in by a passkey alone; whose it is, the passkey says.

    Raises:
        Throttled: too many were begun from this network and not finished.
    """
    await begin_attempt(world, CHALLENGE, CHALLENGE, challenge_subject(network), network)
    challenge = world.entropy.bytes(CHALLENGE_BYTES)
    facts = Wish(label=label, stay=stay, first="").written() | _kept(challenge)
    handle = await put_handle(world, PENDING, await world.store.head(), facts)
    options = world.passkeys.request_options(challenge=challenge, allowed=())
    return Pending(handle, ("passkey",), world.policy.pending_lifetime, options)


async def begin_step_up(world: World, cookie: str) -> StepUp:
    """Says how the person behind a live session may prove themselves again; an account with factors does so by one.

    Raises:
        CredentialMalformed, CredentialExpired, SessionEnded: the session is over.
    """
    present = await get_browser_session(world, cookie, world.clock.now())
    held = present.account.authenticators
    if not held.second_factor:
        return StepUp(("password",))
    challenge, options = _asked(world, held)
    handle = await put_handle(
        world,
        STEP_UP,
        present.standing.position,
        challenge,
        principal=present.account.id,
        session=present.session.id,
    )
    return StepUp(methods_of(held), handle, options)


def _asked(world: World, held: Authenticators) -> tuple[dict[str, str], Mapping[str, object] | None]:
    if not held.passkeys:
        return {}, None
    challenge = world.entropy.bytes(CHALLENGE_BYTES)
    return _kept(challenge), world.passkeys.request_options(challenge=challenge, allowed=held.passkeys)


def _kept(challenge: bytes) -> dict[str, str]:
    return {_CHALLENGE: urlsafe_b64encode(challenge).decode()}
