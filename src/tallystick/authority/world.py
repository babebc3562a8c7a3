"""What every use case gets: ports, policy, keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tallystick.authority.errands import Errands
from tallystick.authority.timing import Unmetered
from tallystick.authority.trail import Trail
from tallystick.core.credentials.view import SessionView
from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.policy import Policy
from tallystick.core.revocation.entry import Position
from tallystick.core.session.standing import Standing
from tallystick.identity.account import Account
from tallystick.identity.password import PasswordRules
from tallystick.identity.place import described
from tallystick.oauth.client import Client
from tallystick.ports import (
    Clock,
    Entropy,
    Events,
    Facts,
    Hasher,
    Mailer,
    Meter,
    Passkeys,
    Places,
    Sealer,
    Signer,
    Store,
)
from tallystick.verifier.clocks import SYSTEM, Clocks


@dataclass(frozen=True, slots=True)
class RememberedService:
    """What a read found of a service, for a short time: the same as a cached view of a cookie.

    Args:
        client: its row.
        standing: its session and what that depends on, with the position that was read first.
        view: what the log is asked about before each use.
        dies_at: the boot-clock instant until which it may be used, counted from before the read was sent.
    """

    client: Client
    standing: Standing
    view: SessionView
    dies_at: float


@dataclass(slots=True)
class World:
    """Ports, policy, and the little that a process remembers.

    Args:
        issuer: the authority's URL, without a trailing slash.
        policy: what this deployment chose.
        passwords: the rules for new passwords.
        store: durable state.
        clock: time.
        entropy: randomness.
        hasher: slow hashes.
        signer: private keys.
        sealer: the root key.
        passkeys: the ceremonies of WebAuthn.
        events: where events go.
        mailer: sends mail; None where there is none.
        errands: what is done after the answer.
        uses: session → instant of its last use, collected until the next flush.
        clocks: what the verifier of the authority's own routes reads; it must agree with `clock`.
        services: what was read of services a moment ago.
        recheck: asks the verifier whether the log says anything against a view; raises Rejected or LeaseLapsed. None
            while no verifier runs, and then nothing that was remembered is used.
        meter: where measurements go.
        heard: waits until the verifier of this process has applied a position; None while no verifier runs.
        places: where networks are; None if nobody knows.
        trail: what waits to be written into the audit trail.
    """

    issuer: str
    policy: Policy
    passwords: PasswordRules
    store: Store
    clock: Clock
    entropy: Entropy
    hasher: Hasher
    signer: Signer
    sealer: Sealer
    passkeys: Passkeys
    events: Events
    mailer: Mailer | None = None
    errands: Errands = field(default_factory=Errands)
    uses: dict[SessionId, int] = field(default_factory=dict)
    clocks: Clocks = SYSTEM
    services: dict[ClientId, RememberedService] = field(default_factory=dict)
    recheck: Callable[[SessionView], None] | None = None
    heard: Callable[[Position], Awaitable[object]] | None = None
    meter: Meter = field(default_factory=Unmetered)
    places: Places | None = None
    trail: Trail = field(default_factory=Trail)

    def new_session_id(self) -> SessionId:
        """Draws the id of a new session."""
        return SessionId.of(self.entropy.bytes(16))

    def new_principal_id(self) -> PrincipalId:
        """Draws the id of a new account."""
        return PrincipalId.of(self.entropy.bytes(16))

    def place_of(self, network: str) -> str:
        """Gives where a network is: "City, Country", or the network itself when nobody knows."""
        return described(self.places.place_of(network) if self.places is not None and network else None, network)

    @property
    def newest_master(self) -> int:
        """The version of the master key that new refresh tokens are made with."""
        return max(self.sealer.refresh_masters())


def permissions_of(account: Account | None, client: Client | None) -> frozenset[str]:
    """Gives what a session's principal may do: an account's permissions; for a service, its client's scopes."""
    if account is not None:
        return account.permissions
    return client.scopes if client is not None else frozenset()


def standing_of(facts: Facts) -> Standing:
    """Gives where the session stands that a read found."""
    session, account, client = facts.session, facts.account, facts.client
    person = account is not None and account.enabled
    if session is None:
        enabled = False
    elif session.client is None:
        enabled = person
    elif client is None or not client.enabled:
        enabled = False
    else:
        # A service is its client; every other principal must be enabled too.
        enabled = person or session.principal == client.principal
    return Standing(
        position=facts.position,
        session=session,
        opener=facts.opener,
        enabled=enabled,
        permissions=permissions_of(account, client),
        newest_cut=facts.cuts.newest,
    )
