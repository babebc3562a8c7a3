"""What an account holds beside its password."""

from __future__ import annotations

import pytest

from tallystick.core.secret import Digest
from tallystick.identity.authenticators import NO_AUTHENTICATORS, Authenticators, Passkey, Totp

TOTP = Totp(b"sealed secret", 5, 1, 2)
PASSKEY = Passkey(b"id", b"key", 0, "blue", (), False, 1, 1)


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (NO_AUTHENTICATORS, False),
        (Authenticators(recovery=frozenset({Digest.of("a")})), False),
        (Authenticators(totp=TOTP), True),
        (Authenticators(passkeys=(PASSKEY,)), True),
    ],
)
def test_a_second_factor_is_wanted_when_there_is_one(held: Authenticators, wanted: bool) -> None:
    """A password alone is not enough as soon as there is an app or a passkey; recovery codes alone change nothing."""
    assert held.second_factor is wanted


def test_a_totp_does_not_print_its_secret() -> None:
    """What prints it shows no sealed bytes."""
    assert "sealed" not in repr(TOTP)
