"""The session cookie."""

from __future__ import annotations

import pytest

from tallystick.core.credentials.cookie import cookie_of, csrf_token_of, digest_of_cookie
from tallystick.core.secret import Digest

RAW = bytes(range(32))
VALUE = cookie_of(RAW).reveal()


def test_a_cookie_is_32_random_bytes_in_text_that_tells_its_kind() -> None:
    """A cookie begins with `tsc_`, so that a scanner for leaked secrets finds it."""
    assert VALUE == "tsc_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert digest_of_cookie(VALUE) == Digest.of(VALUE)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_cookie_is_never_made_of_fewer_bytes(length: int) -> None:
    """Too little randomness cannot become a cookie by accident."""
    with pytest.raises(ValueError, match=f"32 bytes, not {length}"):
        cookie_of(bytes(length))


@pytest.mark.parametrize(
    "value",
    ["", "tsc_", VALUE[:-1], VALUE + "A", VALUE + "\n", VALUE.upper(), " " + VALUE, VALUE[4:], "tsr_" + VALUE[4:],
     VALUE[:-1] + "=", VALUE[:-1] + "é", VALUE[:-1] + "\ud800", "x" * 100_000],
    ids=lambda value: repr(value[:24]),
)  # fmt: skip
def test_what_is_no_cookie_of_ours_is_not_looked_up(value: str) -> None:
    """A value of another form has no digest, so nothing is asked of the store."""
    assert digest_of_cookie(value) is None


def test_the_csrf_token_is_bound_to_the_cookie() -> None:
    """One cookie has one token, another cookie another, and the token is not the cookie."""
    token = csrf_token_of(VALUE)
    assert token == "BNs225eNw8Ji_0J8SL9v7nTh2CugGcr19-HL6ssfO8U"
    assert csrf_token_of(VALUE) == token
    assert csrf_token_of(cookie_of(bytes(32)).reveal()) != token
    assert VALUE[4:] not in token
