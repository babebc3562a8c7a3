"""Sealing: readable again for one purpose, under one root key, unchanged."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tallystick.crypto.root_key import RootKey
from tallystick.crypto.sealer import RootSealer
from tallystick.errors import Misconfigured

KEY = bytes(range(200, 232))
OTHER = bytes(range(100, 132))
SEALER = RootSealer(RootKey({1: KEY}))


@pytest.mark.parametrize("plain", [b"", b"x", b"a private key", bytes(5000)])
def test_what_is_sealed_opens_again(plain: bytes) -> None:
    """Bytes of any length come back as they were, and nothing of them shows."""
    sealed = SEALER.seal("purpose", plain)
    assert SEALER.unseal("purpose", sealed) == plain
    assert len(plain) < 8 or plain not in sealed


def test_sealing_twice_gives_different_bytes() -> None:
    """Whoever sees two sealed values cannot tell whether they are the same."""
    assert SEALER.seal("purpose", b"x") != SEALER.seal("purpose", b"x")


def test_cve_2026_110864_a_sealed_value_of_one_purpose_is_not_accepted_for_another() -> None:
    """CVE-2026-110864: what was sealed as one thing never opens as another."""
    sealed = SEALER.seal("signing-key:a", b"x")
    with pytest.raises(Misconfigured, match="signing-key:b"):
        SEALER.unseal("signing-key:b", sealed)


def test_every_changed_bit_is_noticed() -> None:
    """No bit of a sealed value can be turned without being noticed."""
    sealed = SEALER.seal("purpose", b"secret")
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Misconfigured):
            SEALER.unseal("purpose", bytes(changed))


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01\x01" + bytes(27), b"\x02\x01" + bytes(40)])
def test_what_was_never_sealed_is_refused(sealed: bytes) -> None:
    """Bytes that are too short, or of another form, are refused."""
    with pytest.raises(Misconfigured):
        SEALER.unseal("purpose", sealed)


def test_a_new_root_key_seals_and_the_old_one_still_opens() -> None:
    """After a line was added to the root key file, old values open and new ones need the new line."""
    old = SEALER.seal("purpose", b"x")
    both = RootSealer(RootKey({1: KEY, 2: OTHER}))
    assert both.unseal("purpose", old) == b"x"
    new = both.seal("purpose", b"y")
    assert RootSealer(RootKey({2: OTHER})).unseal("purpose", new) == b"y"
    with pytest.raises(Misconfigured, match="version 2"):
        SEALER.unseal("purpose", new)


def test_another_root_key_opens_nothing() -> None:
    """A database without its root key gives nothing away."""
    with pytest.raises(Misconfigured, match="root key"):
        RootSealer(RootKey({1: OTHER})).unseal("purpose", SEALER.seal("purpose", b"x"))


def test_the_form_of_a_sealed_value_is_fixed() -> None:
    """Format, version, nonce, then AES-256-GCM under the purpose's key: values of today are readable for ever."""
    nonce = bytes(range(12))
    cipher = AESGCM(RootKey({1: KEY}).derive(1, "seal:purpose"))
    sealed = b"\x01\x01" + nonce + cipher.encrypt(nonce, b"of old", b"\x01\x01purpose")
    assert SEALER.unseal("purpose", sealed) == b"of old"


def test_each_root_key_has_a_master_for_refresh_tokens() -> None:
    """Masters are 32 bytes, stable, one for each version, and not the key of any seal."""
    both = RootSealer(RootKey({1: KEY, 2: OTHER}))
    masters = both.refresh_masters()
    assert sorted(masters) == [1, 2]
    assert masters[1] == SEALER.refresh_masters()[1] != masters[2]
    assert all(len(master) == 32 for master in masters.values())


def test_a_sealer_prints_no_key() -> None:
    """Its text names versions only."""
    assert repr(SEALER) == "RootSealer(RootKey(versions=[1]))"


def test_a_mac_is_of_one_message_and_one_purpose() -> None:
    """A proof is good for what it was made for, and for nothing else."""
    proof = SEALER.mac("checkpoint", b"seventeen")
    assert SEALER.mac("checkpoint", b"seventeen") == proof
    assert SEALER.is_mac("checkpoint", b"seventeen", proof)
    assert not SEALER.is_mac("checkpoint", b"eighteen", proof)
    assert not SEALER.is_mac("export", b"seventeen", proof)
    assert not RootSealer(RootKey({1: OTHER})).is_mac("checkpoint", b"seventeen", proof)


def test_every_changed_bit_of_a_mac_is_noticed() -> None:
    """No bit of a proof can be turned, and nothing can be cut off or added."""
    proof = SEALER.mac("checkpoint", b"seventeen")
    for bit in range(len(proof) * 8):
        changed = bytearray(proof)
        changed[bit // 8] ^= 1 << bit % 8
        assert not SEALER.is_mac("checkpoint", b"seventeen", bytes(changed))
    for other in (b"", proof[:-1], proof + b"x"):
        assert not SEALER.is_mac("checkpoint", b"seventeen", other)


def test_a_mac_of_an_older_root_key_is_still_known() -> None:
    """After a line was added to the root key file, old proofs hold as long as the old line is there."""
    old = SEALER.mac("checkpoint", b"x")
    both = RootSealer(RootKey({1: KEY, 2: OTHER}))
    assert both.is_mac("checkpoint", b"x", old)
    assert both.mac("checkpoint", b"x")[0] == 2
