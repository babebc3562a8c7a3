"""Our rules around passkeys: for whom they are good, whose they are, and when a counter betrays a copy."""

from __future__ import annotations

import pytest

from tallystick.core.ids import PrincipalId
from tallystick.identity.passkey import NAME_LENGTH_MAX, counts_on, name_of, principal_of, rp_id_of, user_handle_of

ADA = PrincipalId.of(bytes(range(16)))


@pytest.mark.parametrize(
    ("issuer", "host"),
    [("https://notes.example/auth", "notes.example"), ("https://a.notes.example:8443", "a.notes.example"),
     ("http://localhost:8000", "localhost"), ("nothing", "")],
)  # fmt: skip
def test_a_passkey_is_good_for_the_issuers_host(issuer: str, host: str) -> None:
    """Neither the path nor the port nor a parent domain is part of it."""
    assert rp_id_of(issuer) == host


def test_a_user_handle_finds_its_account() -> None:
    """What a passkey is told about whose it is leads back, says nothing of the person, and fits (64 bytes at most)."""
    handle = user_handle_of(ADA)
    assert principal_of(handle) == ADA
    assert len(handle) <= 64


@pytest.mark.parametrize("handle", [b"", b"x", b"\xff" * 22, b"ada@example.com", bytes(range(16)), b"0" * 22])
def test_a_foreign_user_handle_is_nobodys(handle: bytes) -> None:
    """What we did not write names nobody."""
    assert principal_of(handle) is None


@pytest.mark.parametrize(
    ("stored", "shown", "good"),
    [(0, 0, True), (0, 1, True), (5, 6, True), (5, 900, True), (5, 5, False), (5, 4, False), (5, 0, False)],
)
def test_a_counter_only_goes_on(stored: int, shown: int, good: bool) -> None:
    """One that stands still or goes back is that of a copy; a passkey that never counts says 0."""
    assert counts_on(stored, shown) is good


@pytest.mark.parametrize(
    ("typed", "name"),
    [("Ada's phone", "Ada's phone"), ("  two\twords\r\n", "two words"), ("", "Passkey"), ("\u202e\x00", "Passkey"),
     ("ä" * 200, "ä" * NAME_LENGTH_MAX)],
)  # fmt: skip
def test_a_name_can_be_shown(typed: str, name: str) -> None:
    """One line of printable signs, short, never empty."""
    assert name_of(typed) == name
