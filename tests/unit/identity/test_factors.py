"""Which proofs a sign-in wants, and what it is called when it has them."""

from __future__ import annotations

import pytest

from tallystick.core.secret import Digest
from tallystick.identity.authenticators import Authenticators, Passkey, Totp
from tallystick.identity.factors import (
    Method,
    PasskeyAssertion,
    RecoveryCode,
    TotpCode,
    authentication_of,
    method_of,
    methods_of,
)

APP = Totp(b"sealed", 7, 1, 2)
KEY = Passkey(b"id", b"key", 0, "phone", (), False, 1, 2)
CODES = frozenset({Digest.of("one")})


@pytest.mark.parametrize(
    ("held", "methods"),
    [
        (Authenticators(), ()),
        (Authenticators(recovery=CODES), ()),
        (Authenticators(totp=APP), ("totp",)),
        (Authenticators(totp=APP, recovery=CODES), ("totp", "recovery_code")),
        (Authenticators(passkeys=(KEY,)), ("passkey",)),
        (Authenticators(APP, (KEY,), CODES), ("passkey", "totp", "recovery_code")),
    ],
)
def test_an_account_is_asked_for_what_it_has(held: Authenticators, methods: tuple[Method, ...]) -> None:
    """The strongest comes first; recovery codes alone are no factor, since they only stand in for one."""
    assert methods_of(held) == methods


@pytest.mark.parametrize(
    ("methods", "amr", "acr"),
    [
        (("password",), ("pwd",), "urn:tallystick:password"),
        (("password", "totp"), ("pwd", "otp", "mfa"), "urn:tallystick:mfa"),
        (("password", "recovery_code"), ("pwd", "otp", "mfa"), "urn:tallystick:mfa"),
        (("password", "passkey"), ("pwd", "pop", "mfa"), "urn:tallystick:passkey"),
        (("passkey",), ("pop", "mfa"), "urn:tallystick:passkey"),
        (("totp",), ("otp",), "urn:tallystick:mfa"),
    ],
)
def test_an_authentication_says_what_was_proved(methods: tuple[Method, ...], amr: tuple[str, ...], acr: str) -> None:
    """The names of RFC 8176, in the order of the proofs, and the level that they reach."""
    found = authentication_of(99, *methods)
    assert (found.at, found.amr, found.acr) == (99, amr, acr)


@pytest.mark.parametrize(
    ("proof", "method"),
    [(TotpCode("123456"), "totp"), (RecoveryCode("123456"), "recovery_code"), (PasskeyAssertion("123456"), "passkey")],
)
def test_a_proof_has_a_name_and_does_not_print(proof: TotpCode | RecoveryCode | PasskeyAssertion, method: str) -> None:
    """A log that shows a proof shows of what kind it is, and nothing to use again."""
    assert method_of(proof) == method
    assert "123456" not in f"{proof!r} {proof}"
