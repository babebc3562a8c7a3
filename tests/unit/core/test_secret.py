"""Secrets do not print, and digests stand in for them."""

from __future__ import annotations

import copy
import hashlib
import pickle

import pytest

from tallystick.core.secret import Digest, Secret, secret_of

TEXT = "tsc_a-secret-that-nobody-may-read"


def test_a_secret_never_shows_itself() -> None:
    """However a secret is printed or formatted, its text stays hidden."""
    secret = Secret(TEXT)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>40}", f"{secret!r}", "%s" % secret, repr([secret])]  # noqa: UP031
    assert all(TEXT not in one and "Secret(…)" in one for one in shown)


def test_a_secret_is_revealed_by_name_only() -> None:
    """The text comes out where somebody asks for it with that very word."""
    assert Secret(TEXT).reveal() == TEXT


def test_a_secret_does_not_pickle_or_copy_itself_into_a_file() -> None:
    """A secret cannot be written out by accident with the object that holds it."""
    for write in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="does not pickle"):
            write(Secret(TEXT))  # type: ignore[operator]


def test_secrets_are_compared_by_name_only() -> None:
    """The comparison that leaks time is refused, and a secret is no key of a dictionary."""
    with pytest.raises(TypeError, match="matches"):
        _ = Secret(TEXT) == Secret(TEXT)
    with pytest.raises(TypeError, match="matches"):
        _ = Secret(TEXT) != TEXT
    with pytest.raises(TypeError, match="unhashable"):
        hash(Secret(TEXT))


@pytest.mark.parametrize(
    ("other", "same"), [(TEXT, True), (TEXT + "x", False), (TEXT[:-1], False), ("", False), ("\ud800", False)]
)
def test_a_secret_matches_its_own_text_only(other: str, *, same: bool) -> None:
    """Whatever is presented, also half a character, is compared without an error."""
    assert Secret(TEXT).matches(other) is same


def test_a_digest_is_the_sha_256_of_a_text() -> None:
    """What is stored for a secret is 32 bytes from which it cannot be had back."""
    assert bytes(Digest.of(TEXT)) == hashlib.sha256(TEXT.encode()).digest()
    assert Digest.of(TEXT).matches(hashlib.sha256(TEXT.encode()).digest())
    assert not Digest.of(TEXT).matches(Digest.of("else"))
    assert not Digest.of(TEXT).matches(b"short")


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_digest_has_32_bytes(length: int) -> None:
    """Bytes of another length cannot become a digest."""
    with pytest.raises(ValueError, match=f"32 bytes, not {length}"):
        Digest(bytes(length))


def test_a_digest_prints_its_beginning_only() -> None:
    """A log shows enough of a digest to tell two apart and not enough to look one up."""
    digest = Digest(bytes(range(32)))
    assert repr(digest) == str(digest) == f"{digest}" == "Digest(00010203…)"


def test_a_secret_of_bytes_is_base64url_without_padding() -> None:
    """A secret can go into a header, a cookie or a URL as it is."""
    assert secret_of(b"\xfb\xff\xfe", "ts_").reveal() == "ts_-__-"
    assert secret_of(bytes(32)).reveal() == "A" * 43
