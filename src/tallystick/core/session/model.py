"""The session: the one server-side root of every credential."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.policy import Clocks
from tallystick.core.revocation.entry import Position
from tallystick.core.secret import Digest

Because = Literal[
    "signed out",
    "reuse",
    "revoked",
    "replaced",
    "evicted",
    "opener ended",
    "expired",
]
"""Why a session ended, as the row keeps it; a free text by an administrator is in the audit trail."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """One event of proof.

    Args:
        at: the instant.
        amr: the methods used, by their RFC 8176 names.
        acr: the assurance reached, such as `urn:tallystick:password`.
    """

    at: int
    amr: tuple[str, ...]
    acr: str


@dataclass(frozen=True, slots=True)
class BrowserHolder:
    """A browser holds the session by a cookie.

    Args:
        cookie: digest of the current cookie.
        previous: digest of the cookie before a step-up, or None.
        previous_until: instant at which the previous one stops being good.
        previous_level: how many of the session's authentications the previous cookie stands for.
    """

    cookie: Digest
    previous: Digest | None = None
    previous_until: int = 0
    previous_level: int = 0


@dataclass(frozen=True, slots=True)
class AppHolder:
    """An app (an OAuth client) holds the session by a rotating refresh token.

    Args:
        client: the client; only it may refresh.
        generation: ordinal of the current refresh token.
        master_version: version of the master key that the current generation was made with.
        rotated_at: instant of the last rotation.
    """

    client: ClientId
    generation: int
    master_version: int
    rotated_at: int


@dataclass(frozen=True, slots=True)
class ServiceHolder:
    """A service holds the session by its own client secret; there is no renewable secret.

    Args:
        client: the client.
    """

    client: ClientId


Holder = BrowserHolder | AppHolder | ServiceHolder


@dataclass(frozen=True, slots=True)
class Ended:
    """That and how a session ended; written once, never changed.

    Args:
        at: the instant.
        because: why.
        position: the log entry of this ending; None for an expiry, which needs no entry.
    """

    at: int
    because: Because
    position: Position | None


@dataclass(frozen=True, slots=True)
class Session:
    """A session's row, loaded and committed whole.

    Args:
        id: its name.
        version: raised by every commit; a commit compares it.
        principal: who is authenticated.
        holder: who keeps its renewable secret.
        opened_from: the browser's session that it was opened from, or None.
        bound: it ends with the one it was opened from and has no clocks of its own.
        scopes: what its client was granted; ignored for a browser, which has all of its account's permissions.
        resources: the audiences that its client may ask for.
        authentications: every proof, oldest first; empty for a service.
        born: the log position read before the first fact that its opening relied on.
        opened_at: instant of the opening (or of the last sign-in as the same person).
        active_at: instant of the last use that was recorded.
        clocks: its idle and absolute lifetimes.
        label: what the person may recognise it by (a device), at most 200 characters.
        ended: how it ended, or None while it is live.
        network: the address that it was opened from, or signed in from last.
    """

    id: SessionId
    version: int
    principal: PrincipalId
    holder: Holder
    opened_from: SessionId | None
    bound: bool
    scopes: frozenset[str]
    resources: tuple[str, ...]
    authentications: tuple[Authentication, ...]
    born: Position
    opened_at: int
    active_at: int
    clocks: Clocks
    label: str = ""
    ended: Ended | None = None
    network: str = ""

    @property
    def client(self) -> ClientId | None:
        """The client that it belongs to; None for a browser's."""
        return None if isinstance(self.holder, BrowserHolder) else self.holder.client

    @property
    def hard_end_at(self) -> int:
        """The instant at which it expires whatever happens."""
        return self.opened_at + self.clocks.absolute_lifetime

    @property
    def idle_end_at(self) -> int:
        """The instant at which it expires unless it is used before."""
        return min(self.active_at + self.clocks.idle_lifetime, self.hard_end_at)

    def used(self, now: int) -> Session:
        """Gives the session with its idle clock moved to now; never backwards."""
        return self if now <= self.active_at else replace(self, active_at=now)
