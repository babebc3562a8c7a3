"""A device cookie says that somebody signed in from here before, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallystick.core.ids import PrincipalId
from tallystick.identity.account import Account
from tallystick.identity.device import DEVICE_BYTES, LIFETIME, Device, device_of

NOW = 1_800_000_000
ADA = Account(
    PrincipalId.of(bytes(15) + b"a"), 1, "ada@example.com", "ada@example.com", "h", frozenset(), True, NOW - 9, NOW - 9
)
FRESH = bytes(range(DEVICE_BYTES))


def test_what_is_sealed_reads_back() -> None:
    """A device that was written is the same when it is read."""
    device = device_of(ADA, None, FRESH, NOW)
    assert Device.parse(device.to_bytes()) == device
    assert device.known_to(ADA, NOW)


@pytest.mark.parametrize(
    "plain",
    [b"", b"a b c d", b"\xff" * 70, b"0" * 22 + b" " + b"0" * 32 + b" 1 1", b"1" * 22 + b" " + b"0" * 32 + b" 1 1 1"],
)
def test_what_we_did_not_write_is_nothing(plain: bytes) -> None:
    """Bytes of another form are no device."""
    assert Device.parse(plain) is None


def test_a_device_keeps_its_name_from_sign_in_to_sign_in() -> None:
    """The counter of a device goes on, and its time begins anew, when its owner signs in again."""
    first = device_of(ADA, None, FRESH, NOW)
    again = device_of(ADA, first, bytes(DEVICE_BYTES), NOW + 50)
    assert (again.name, again.issued_at) == (first.name, NOW + 50)


def test_a_device_is_not_known_after_a_change_of_the_password() -> None:
    """A change of the password, also within the same second, makes every device a stranger with a new name."""
    device = device_of(ADA, None, FRESH, NOW)
    changed = ADA.with_password("other", ADA.password_changed_at)
    assert changed.password_changed_at == ADA.password_changed_at + 1
    assert not device.known_to(changed, NOW)
    assert device_of(changed, device, bytes(DEVICE_BYTES), NOW).name != device.name


def test_a_device_is_known_to_its_account_alone_and_for_400_days() -> None:
    """Somebody else's device, and one that was away for too long, is not known."""
    device = device_of(ADA, None, FRESH, NOW)
    assert not device.known_to(replace(ADA, id=PrincipalId.of(bytes(15) + b"b")), NOW)
    assert device.known_to(ADA, NOW + LIFETIME - 1)
    assert not device.known_to(ADA, NOW + LIFETIME)


def test_a_device_does_not_print_its_name() -> None:
    """What prints a device shows whose it is, not which."""
    assert FRESH.hex() not in repr(device_of(ADA, None, FRESH, NOW))


def test_the_instant_of_a_change_is_that_of_the_clock() -> None:
    """Where time has passed since the last change, the instant of the next is the clock's."""
    changed = ADA.with_password("other", NOW)
    assert (changed.password_hash, changed.password_changed_at) == ("other", NOW)
