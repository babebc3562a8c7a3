"""Which proofs make an authentication complete, and what it is called afterwards (RFC 8176, OpenID Connect `acr`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from tallystick.core.session.model import Authentication
from tallystick.identity.authenticators import Authenticators

Method = Literal["password", "totp", "recovery_code", "passkey"]

PASSWORD_ACR = "urn:tallystick:password"
MFA_ACR = "urn:tallystick:mfa"
PASSKEY_ACR = "urn:tallystick:passkey"
_AMR: dict[Method, tuple[str, ...]] = {
    "password": ("pwd",),
    "totp": ("otp",),
    "recovery_code": ("otp",),
    "passkey": ("pop",),
}


@dataclass(frozen=True, slots=True)
class TotpCode:
    """A code that an app shows.

    Args:
        code: as typed.
    """

    code: str

    def __repr__(self) -> str:
        return "TotpCode(…)"


@dataclass(frozen=True, slots=True)
class RecoveryCode:
    """A recovery code.

    Args:
        code: as typed.
    """

    code: str

    def __repr__(self) -> str:
        return "RecoveryCode(…)"


@dataclass(frozen=True, slots=True)
class PasskeyAssertion:
    """What a browser's passkey answered.

    Args:
        response: a PublicKeyCredential as its `toJSON()` gives it, in JSON.
    """

    response: str

    def __repr__(self) -> str:
        return "PasskeyAssertion(…)"


FactorProof = TotpCode | RecoveryCode | PasskeyAssertion


def method_of(proof: FactorProof) -> Method:
    """Gives the name of a proof's method."""
    match proof:
        case TotpCode():
            return "totp"
        case RecoveryCode():
            return "recovery_code"
        case PasskeyAssertion():
            return "passkey"
        case _:
            assert_never(proof)


def methods_of(held: Authenticators) -> tuple[Method, ...]:
    """Gives what an account may prove itself with as a second factor, the strongest first; empty if it has none."""
    if not held.second_factor:
        return ()
    found: list[Method] = []
    if held.passkeys:
        found.append("passkey")
    if held.totp is not None:
        found.append("totp")
    if held.recovery:
        found.append("recovery_code")
    return tuple(found)


def authentication_of(now: int, *methods: Method) -> Authentication:
    """Describes a complete authentication by the methods that were proved, in their order.

    A passkey alone counts as two factors: it is something that one has, opened by something that one knows or is, which
    its authenticator verifies.

    Args:
        now: the instant.
        methods: at least one.
    """
    amr = tuple(dict.fromkeys(word for method in methods for word in _AMR[method]))
    if methods == ("password",):
        return Authentication(now, amr, PASSWORD_ACR)
    if "passkey" in methods:
        return Authentication(now, (*amr, "mfa"), PASSKEY_ACR)
    return Authentication(now, (*amr, "mfa") if len(methods) > 1 else amr, MFA_ACR)
