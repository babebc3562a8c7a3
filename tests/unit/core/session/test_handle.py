"""Handles: what they look like, and when one is good."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallystick.core.revocation.entry import ORIGIN
from tallystick.core.secret import Digest
from tallystick.core.session.handle import Handle, digest_of_handle, handle_of

HANDLE = Handle(Digest.of("x"), "pending", 1, ORIGIN, 100, 200)


def test_a_handle_is_known_by_its_form() -> None:
    """Its value is 256 random bits behind a prefix; only their digest is kept, and nothing else is taken for one."""
    value = handle_of(bytes(range(32))).reveal()
    assert value.startswith("tsh_")
    assert digest_of_handle(value) == Digest.of(value)
    for other in ("", "tsh_", value + "A", value[:-1], "tsc_" + value[4:], value + "\n"):
        assert digest_of_handle(other) is None
    with pytest.raises(ValueError, match="32 bytes"):
        handle_of(b"short")


@pytest.mark.parametrize(
    ("handle", "kind", "now", "good"),
    [
        (HANDLE, "pending", 199, True),
        (HANDLE, "pending", 200, False),
        (HANDLE, "reset", 150, False),
        (replace(HANDLE, consumed_at=110), "pending", 150, False),
    ],
)
def test_a_handle_is_good_for_one_thing_until_its_time(handle: Handle, kind: str, now: int, good: bool) -> None:
    """It is good once, for what it was made for, before it expires."""
    assert handle.good(kind, now) is good
