"""Clock, randomness, slow hashes, keys, events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from tallystick.core.ids import ClientId, KeyId, PrincipalId
from tallystick.core.keys.lifecycle import SigningKey
from tallystick.core.session.decision import Event
from tallystick.identity.place import Place


class Places(Protocol):
    """Where networks are."""

    def place_of(self, network: str) -> Place | None:
        """Gives the place of an address; None if it is unknown. Never raises, asks nobody over a network."""


class Clock(Protocol):
    """Time, of two kinds."""

    def now(self) -> int:
        """Gives the wall clock, whole seconds since 1970, never going backwards within a process."""

    def boot(self) -> float:
        """Gives the clock that counts since boot, suspend included, in seconds."""


class Entropy(Protocol):
    """Randomness of the kernel."""

    def bytes(self, n: int) -> bytes:
        """Gives n random bytes."""


class Hasher(Protocol):
    """Slow hashes for passwords that people choose, in a bounded pool."""

    async def hash(self, password: str) -> str:
        """Hashes a normalised password; raises Overloaded before any work when the queue is full."""

    async def verify(self, password: str, stored: str | None) -> bool:
        """Tells whether a password matches; with None it spends the same time and says False. May raise Overloaded."""

    def needs_rehash(self, stored: str) -> bool:
        """Tells whether a stored hash is of an older kind or cheaper than today's parameters."""

    async def close(self) -> None:
        """Stops the pool."""


class Signer(Protocol):
    """Private keys at work. It knows which key is active."""

    def sign(self, claims: Mapping[str, object]) -> str:
        """Signs the claims of an access token with the active key and gives its compact form (typ `at+jwt`)."""

    def load(self, keys: Sequence[SigningKey]) -> None:
        """Takes the keys as the store has them; the active one signs from now on."""

    def generate(self, algorithm: str, now: int) -> SigningKey:
        """Makes a new key pair, its private half sealed, in state `announced`."""

    def shared_key_set(self) -> dict[str, object] | None:
        """Gives the symmetric keys (HS256) as a JWKS for verifiers of the same trust domain; None if there are none."""

    @property
    def active(self) -> KeyId | None:
        """The key that signs now."""


class Sealer(Protocol):
    """Authenticated encryption under the root key, bound to a purpose."""

    def seal(self, purpose: str, plain: bytes) -> bytes:
        """Seals bytes for one purpose."""

    def unseal(self, purpose: str, sealed: bytes) -> bytes:
        """Opens what was sealed for that purpose; raises Misconfigured if the root key or purpose differs."""

    def mac(self, purpose: str, message: bytes) -> bytes:
        """Gives proof, bound to a purpose, that whoever has the root key has seen a message."""

    def is_mac(self, purpose: str, message: bytes, mac: bytes) -> bool:
        """Tells whether a proof is one of this message for this purpose, in the same time for every wrong one."""

    def refresh_masters(self) -> Mapping[int, bytes]:
        """Gives the master keys of refresh tokens, version → 32 bytes, derived from the root keys; the newest signs."""


class Events(Protocol):
    """Where events go, after the commit."""

    def tell(
        self, events: Sequence[Event], *, principal: PrincipalId | None = None, client: ClientId | None = None
    ) -> None:
        """Takes events; never raises, never blocks."""


class Meter(Protocol):
    """Where measurements go that are no events: how long something took, and what happens too often to be told each time.

    No method raises or blocks.
    """

    def opened(self, holder: str, seconds: float) -> None:
        """A session was opened for a holder (`browser`, `app`, `service`), so many seconds after it was asked for."""

    def minted(self, credential: str, seconds: float) -> None:
        """An `access_token` or `refresh_token` was made, so many seconds after it was asked for."""

    def appended(self, target: str, strength: str, entries: int) -> None:
        """Entries about a kind of target (such as `session`) were appended, `logged` or `everywhere`."""

    def authenticated(self, method: str) -> None:
        """Somebody proved who they are by what is too frequent for an event of its own."""
