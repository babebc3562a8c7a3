"""The shipped list of common passwords."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files

from tallystick.identity.blocklist import CommonPasswords, common_passwords


def test_every_password_of_the_list_is_found_and_its_neighbours_are_not() -> None:
    """Searching by halves finds each line, the first and the last included, and nothing between lines."""
    words = [word.encode() for word in ("aa", "ab", "b", "cde", "zz", "ü")]
    held = CommonPasswords(b"".join(word + b"\n" for word in words))
    assert len(held) == len(words)
    assert all(word.decode() in held for word in words)
    assert not any(word in held for word in ("", "a", "aaa", "c", "cd", "cdef", "z", "zzz", "ab\nb", "\ud800"))
    assert 7 not in held


def test_an_empty_list_has_nothing() -> None:
    """An empty list refuses nothing."""
    assert "password" not in CommonPasswords(b"")


def test_the_shipped_list_is_the_recorded_one() -> None:
    """The bytes that are shipped are those whose origin and licence are recorded beside them."""
    data = files("tallystick.identity") / "data"
    text = (data / "common_passwords.txt").read_bytes()
    record = (data / "README.md").read_text()
    assert sha256(text).hexdigest() in record
    assert "MIT License" in (data / "NOTICE").read_text()
    lines = text.splitlines()
    assert lines == sorted(set(lines))
    assert all(line.decode() == line.decode().casefold() for line in lines)


def test_common_passwords_are_on_the_shipped_list() -> None:
    """The best known ones are there, and the list is read once."""
    held = common_passwords()
    assert len(held) == 30_000
    assert all(word in held for word in ("password", "123456", "iloveyou", "qwerty123456789", "passwordstandard"))
    assert "seven notches on a hazel stick" not in held
    assert common_passwords() is held
