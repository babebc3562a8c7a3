"""What the use cases hand out, after the commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tallystick.core.credentials.view import SessionView
from tallystick.core.ids import SessionId
from tallystick.core.revocation.entry import Position
from tallystick.core.secret import Secret
from tallystick.identity.account import Account
from tallystick.identity.factors import Method

Strength = Literal["logged", "everywhere"]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser's session with its new cookie.

    Args:
        view: the session as a handler would receive it.
        account: whose it is.
        cookie: the value of the new cookie.
        csrf: what pages send as `X-CSRF-Token`.
        max_age: seconds for which the browser shall keep the cookie; None until it is closed.
        device: the value of the device cookie, for a sign-in that is complete; None leaves it as it is.
    """

    view: SessionView
    account: Account
    cookie: Secret
    csrf: Secret
    max_age: int | None
    device: Secret | None = None


@dataclass(frozen=True, slots=True)
class PasswordReset:
    """A forgotten password that was replaced; nobody is signed in by it.

    Args:
        account: whose it is.
        device: a device cookie: who reads the owner's mail is not kept out by strangers' guesses.
    """

    account: Account
    device: Secret


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that wants one more proof; there is no session yet.

    Args:
        handle: what the next step presents, beside the proof.
        methods: what may be proved: `passkey`, `totp`, `recovery_code`.
        expires_in: seconds until it has to be begun again.
        passkey_options: PublicKeyCredentialRequestOptions in their JSON form; None without a passkey.
    """

    handle: Secret
    methods: tuple[Method, ...]
    expires_in: int
    passkey_options: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class StepUp:
    """How a person may prove themselves again.

    Args:
        methods: `password`, or the factors of an account that has some.
        handle: what a factor's proof presents; None for the password.
        passkey_options: as for `Pending`.
    """

    methods: tuple[Method, ...]
    handle: Secret | None = None
    passkey_options: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class TotpOffer:
    """The secret for an app that shows codes; it counts from when its first code is confirmed.

    Args:
        handle: what the confirmation presents.
        secret: in base 32, to be typed.
        uri: the same as an `otpauth:` URI, to be read from a QR code.
    """

    handle: Secret
    secret: Secret
    uri: Secret


@dataclass(frozen=True, slots=True)
class PasskeyOffer:
    """What a browser needs to make a passkey.

    Args:
        handle: what the confirmation presents.
        options: PublicKeyCredentialCreationOptions in their JSON form.
    """

    handle: Secret
    options: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The credentials of an app or a service.

    Args:
        access_token: an `at+jwt` (RFC 9068).
        expires_in: its lifetime in seconds.
        scope: what it may do.
        refresh_token: the refresh token, or None where there is none.
        session: the session behind both.
    """

    access_token: Secret
    expires_in: int
    scope: frozenset[str]
    refresh_token: Secret | None
    session: SessionId


@dataclass(frozen=True, slots=True)
class Revoked:
    """What is known when an ending has been appended.

    Args:
        position: its place in the log.
        effective_at: from this instant of the caller's boot clock on, nobody accepts what it covers.
        strength: `logged` or `everywhere`.
        acked: verifier → seconds after the append at which it had applied the entry; empty for `logged`.
        missing: verifiers that did not ack; the bound was waited for instead.
        waited_s: how long the call waited for acks.
        guarantee: what the store promises across a failover.
    """

    position: Position
    effective_at: float
    strength: Strength
    acked: Mapping[str, float]
    missing: tuple[str, ...]
    waited_s: float
    guarantee: str
