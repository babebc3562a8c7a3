"""The ceremonies of WebAuthn, as a protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tallystick.identity.authenticators import Passkey


@dataclass(frozen=True, slots=True)
class Attested:
    """A passkey that was just made.

    Args:
        id: as its authenticator named it.
        public_key: in COSE form.
        sign_count: its counter.
        transports: how it can be reached.
        backed_up: it is synced between devices.
    """

    id: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Asserted:
    """A passkey that was just used.

    Args:
        sign_count: its counter.
        backed_up: it is synced between devices.
    """

    sign_count: int
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Named:
    """Which passkey an answer names, before anything of it was verified.

    Args:
        id: of the passkey.
        user_handle: whose it says it is; empty if it does not say.
    """

    id: bytes
    user_handle: bytes


class Passkeys(Protocol):
    """Makes what browsers are asked, and verifies what they answer. User verification is always demanded."""

    def creation_options(
        self, *, user_handle: bytes, user_name: str, challenge: bytes, excluded: Sequence[Passkey]
    ) -> Mapping[str, object]:
        """Gives PublicKeyCredentialCreationOptions in their JSON form."""

    def attested(self, response: str, challenge: bytes) -> Attested:
        """Verifies the answer to creation options; raises AuthenticationFailed."""

    def request_options(self, *, challenge: bytes, allowed: Sequence[Passkey]) -> Mapping[str, object]:
        """Gives PublicKeyCredentialRequestOptions in their JSON form; none allowed by name means any that it has."""

    def named(self, response: str) -> Named:
        """Reads which passkey an answer names; raises AuthenticationFailed if it is no answer."""

    def asserted(self, response: str, challenge: bytes, passkey: Passkey) -> Asserted:
        """Verifies the answer to request options by a passkey; raises AuthenticationFailed."""
