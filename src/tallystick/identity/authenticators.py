"""What an account's owner proves themselves with beside a password. Loaded and committed whole with the account, so that
the compare-and-swap of its version makes every code single-use."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.core.secret import Digest


@dataclass(frozen=True, slots=True)
class Totp:
    """An app that shows codes (RFC 6238).

    Args:
        sealed: the secret, sealed under the root key.
        last_step: the last time step whose code was accepted; none up to it is accepted again.
        added_at: instant of its enrolment.
        used_at: instant of its last use.
    """

    sealed: bytes
    last_step: int
    added_at: int
    used_at: int

    def __repr__(self) -> str:
        return f"Totp(last_step={self.last_step})"


@dataclass(frozen=True, slots=True)
class Passkey:
    """A WebAuthn credential.

    Args:
        id: as its authenticator named it, at most 1023 bytes.
        public_key: in COSE form.
        sign_count: as it was last seen; 0 for one that does not count.
        name: as its owner calls it.
        transports: how it can be reached, as its authenticator said.
        backed_up: it is synced between devices.
        added_at: instant of its enrolment.
        used_at: instant of its last use.
    """

    id: bytes
    public_key: bytes
    sign_count: int
    name: str
    transports: tuple[str, ...]
    backed_up: bool
    added_at: int
    used_at: int


@dataclass(frozen=True, slots=True)
class Authenticators:
    """All of an account's authenticators but the password.

    Args:
        totp: the app that shows codes, or None.
        passkeys: in the order of their enrolment.
        recovery: digests of the recovery codes that are left.
        recovery_made_at: instant at which they were made; 0 if there are none.
    """

    totp: Totp | None = None
    passkeys: tuple[Passkey, ...] = ()
    recovery: frozenset[Digest] = frozenset()
    recovery_made_at: int = 0

    @property
    def second_factor(self) -> bool:
        """Whether a password alone is not enough."""
        return self.totp is not None or bool(self.passkeys)


NO_AUTHENTICATORS = Authenticators()
"""A password and nothing else."""
