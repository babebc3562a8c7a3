"""Stored password hashes: which are read, which are refused, which are made anew."""

from __future__ import annotations

import pytest

from tallystick.errors import InvalidRequest
from tallystick.identity.password import PasswordParameters
from tallystick.identity.stored_hash import needs_rehash, parse

TODAY = PasswordParameters()
SALT, DIGEST = "c2FsdHNhbHRzYWx0c2FsdA", "ZGlnZXN0ZGlnZXN0ZGlnZXN0ZGlnZXN0ZGlnZXN0ZGc"
OURS = f"$argon2id$v=19$m=19456,t=2,p=1${SALT}${DIGEST}"
PEPPER = "0HcQ3aR1zAo"
BCRYPT = "$2b$12$" + "abcdefghijklmnopqrstuu" + "SODoTqpQ0m9X5Zu3H1uKdkLg3b8eYW6"
SCRYPT = "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E"


def test_our_own_hash_is_taken_apart() -> None:
    """An Argon2id hash says its cost, salt and digest."""
    found = parse(OURS)
    assert (found.scheme, found.cost, found.pepper, found.text) == ("argon2id", (19456, 2, 1), None, OURS)
    assert (found.salt, len(found.digest)) == (b"saltsaltsaltsalt", 32)
    assert DIGEST not in repr(found)


def test_a_peppered_hash_names_its_pepper() -> None:
    """A hash that was mixed with a key carries the key's name in front, and the library reads the rest."""
    found = parse(f"$pepper$k={PEPPER}{OURS}")
    assert (found.scheme, found.pepper, found.text) == ("argon2id", PEPPER, OURS)


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_bcrypt_is_read(prefix: str) -> None:
    """bcrypt hashes of all three spellings can be imported."""
    found = parse(prefix + BCRYPT[4:])
    assert (found.scheme, found.cost) == ("bcrypt", (12,))


def test_scrypt_is_read_as_passlib_writes_it() -> None:
    """A scrypt hash says the exponent of its cost, and its salt and digest in base64 without padding."""
    found = parse(SCRYPT)
    assert (found.scheme, found.cost, len(found.salt), len(found.digest)) == ("scrypt", (65536, 8, 1), 16, 32)


@pytest.mark.parametrize(
    ("stored", "word"),
    [
        ("5f4dcc3b5aa765d61d8327deb882cf99", "MD5"),
        ("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", "MD5"),
        ("$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/", "MD5"),
        ("md5$salt$5f4dcc3b5aa765d61d8327deb882cf99", "MD5"),
        ("5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", "SHA-1"),
        ("{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr", "SHA-1"),
        ("sha1$salt$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", "SHA-1"),
        ("$5$rounds=5000$saltsalt$hash", "SHA-2"),
        ("$6$saltsalt$hash", "SHA-2"),
        ("a" * 64, "SHA-2"),
        ("a" * 128, "SHA-2"),
        ("{SSHA512}xxxx", "SHA-2"),
        ("rEK1ecacw.7.c", "DES"),
        ("_J9..K0AyUubDrfOgO4s", "DES"),
        ("$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA", "Argon2i"),
        ("$argon2d$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA", "Argon2i"),
        ("$2x$12$" + "a" * 53, "bcrypt"),
        ("", "neither"),
        ("hunter2", "neither"),
        ("$argon2id$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aaaa", "neither"),
        (OURS + "\n", "neither"),
        (f"$pepper$k=short{OURS}", "neither"),
        (f"$pepper$k={PEPPER}{BCRYPT}", "neither"),
        (BCRYPT[:-1], "neither"),
        ("$2b$17$" + "a" * 53, "neither"),
        (OURS.replace("t=2", "t=02"), "neither"),
    ],
)
def test_other_kinds_are_refused_with_a_reason(stored: str, word: str) -> None:
    """MD5, SHA-1 and crypt hashes are refused at import, the message names the kind and never quotes the hash."""
    with pytest.raises(InvalidRequest) as refused:
        parse(stored)
    assert word in refused.value.public
    assert not stored or stored not in str(refused.value) + refused.value.public


@pytest.mark.parametrize(
    "stored",
    [
        OURS.replace("m=19456", "m=1048577"),
        OURS.replace("m=19456", "m=7"),
        SCRYPT.replace("ln=16", "ln=25"),
        SCRYPT.replace("ln=16,r=8", "ln=20,r=9"),
    ],
)
def test_a_stored_hash_does_not_decide_what_a_process_can_afford(stored: str) -> None:
    """A row that asks for more than 1 GiB of memory is refused before anything is hashed."""
    with pytest.raises(InvalidRequest) as refused:
        parse(stored)
    assert "1 GiB" in refused.value.public


def test_damaged_base64_is_refused() -> None:
    """A salt of an impossible length is damage."""
    with pytest.raises(InvalidRequest) as refused:
        parse(OURS.replace(SALT, SALT[:-1]))
    assert "damaged" in refused.value.public


@pytest.mark.parametrize(
    ("stored", "anew"),
    [
        (OURS, False),
        (OURS.replace("p=1", "p=2"), False),
        (OURS.replace("m=19456", "m=65536"), False),
        (OURS.replace("m=19456", "m=19455"), True),
        (OURS.replace("t=2", "t=1"), True),
        (OURS.replace(SALT, SALT[:16]), True),
        (OURS.replace(DIGEST, DIGEST[:32]), True),
        (f"$pepper$k={PEPPER}{OURS}", True),
        (BCRYPT, True),
        (SCRYPT, True),
    ],
)
def test_older_kinds_and_cheaper_hashes_are_made_anew(stored: str, anew: bool) -> None:
    """At the next sign-in a hash is upgraded if it is of another kind or cheaper than today's, and not otherwise."""
    assert needs_rehash(stored, TODAY) is anew


def test_a_new_pepper_makes_hashes_anew() -> None:
    """A hash without today's pepper, or with another, is made anew; one with it is not."""
    peppered = f"$pepper$k={PEPPER}{OURS}"
    assert needs_rehash(OURS, TODAY, PEPPER)
    assert needs_rehash(peppered, TODAY, "another_one")
    assert not needs_rehash(peppered, TODAY, PEPPER)
