"""Recovery codes: how they look, how they may be typed, and that each is good once."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tallystick.identity.recovery_code import CODE_BYTES, CODES, RANDOM_BYTES, codes_of, digest_of_recovery_code

RAW = bytes((7 * at + 3) % 256 for at in range(RANDOM_BYTES))


def test_a_person_gets_ten_different_codes_that_can_be_read_aloud() -> None:
    """Six groups of four signs, without the letters that look like others."""
    codes = [code.reveal() for code in codes_of(RAW)]
    assert len(set(codes)) == CODES
    assert all(re.fullmatch(r"[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){5}", code) for code in codes)


def test_every_bit_counts() -> None:
    """The code of other random bytes is another one."""
    seen = {codes_of(RAW)[0].reveal()}
    for bit in range(CODE_BYTES * 8):
        raw = (int.from_bytes(RAW, "big") ^ 1 << bit + 8 * CODE_BYTES * (CODES - 1)).to_bytes(len(RAW), "big")
        seen.add(codes_of(raw)[0].reveal())
    assert len(seen) == 1 + CODE_BYTES * 8


@pytest.mark.parametrize("length", [0, RANDOM_BYTES - 1, RANDOM_BYTES + 1])
def test_codes_need_their_random_bytes(length: int) -> None:
    """Fewer or more random bytes than needed is a mistake of ours."""
    with pytest.raises(ValueError, match="bytes"):
        codes_of(bytes(length))


def test_what_is_stored_tells_codes_apart() -> None:
    """Ten codes have ten digests, and none of them shows its code."""
    codes = codes_of(RAW)
    digests = {digest_of_recovery_code(code.reveal()) for code in codes}
    assert len(digests) == CODES
    assert None not in digests
    assert not any(code.reveal() in repr(digests) for code in codes)


@pytest.mark.parametrize(
    "typed",
    [str.upper, lambda code: code.replace("-", ""), lambda code: f"  {code.replace('-', ' ')}\n",
     lambda code: code.replace("0", "o").replace("1", "l"), lambda code: code.replace("0", "O").replace("1", "I")],
)  # fmt: skip
def test_a_code_may_be_typed_as_people_type(typed: Callable[[str], str]) -> None:
    """Case, spaces, dashes and look-alikes do not matter."""
    code = codes_of(bytes(RANDOM_BYTES - 15) + b"\x00\x44\x32" * 5)[-1].reveal()
    assert {"0", "1"} < set(code)
    assert digest_of_recovery_code(typed(code)) == digest_of_recovery_code(code)


@pytest.mark.parametrize("typed", ["", "-", "0" * 23, "0" * 25, "u" * 24, "é" * 24, "0" * 60_000])
def test_what_is_no_code_is_refused(typed: str) -> None:
    """A text that cannot be a code has no digest to look for."""
    assert digest_of_recovery_code(typed) is None
