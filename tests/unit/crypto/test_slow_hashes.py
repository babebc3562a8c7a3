"""Slow hashes: the functions themselves, with real libraries at cheap costs."""

from __future__ import annotations

from base64 import b64encode

import bcrypt
import pytest
from argon2.low_level import ARGON2_VERSION, Type, core, ffi, lib

from tallystick.crypto.slow_hashes import hash_password, matches, nobodys_hash, pepper_name
from tallystick.errors import Unavailable
from tallystick.identity.password import PasswordParameters
from tallystick.identity.stored_hash import needs_rehash, parse

CHEAP = PasswordParameters(memory_kib=8, time_cost=1, parallelism=1)
PEPPER = bytes(range(32))
PASSWORD = "seven notches on a hazel stick"


def test_the_vector_of_rfc_9106_holds() -> None:
    """The library computes the Argon2id of RFC 9106 section 5.3, with secret and associated data."""
    out = ffi.new("uint8_t[]", 32)
    fields = {name: ffi.new("uint8_t[]", raw) for name, raw in _INPUTS.items()}
    context = ffi.new(
        "argon2_context *",
        {
            "out": out, "outlen": 32, "version": ARGON2_VERSION,
            "pwd": fields["password"], "pwdlen": 32, "salt": fields["salt"], "saltlen": 16,
            "secret": fields["secret"], "secretlen": 8, "ad": fields["data"], "adlen": 12,
            "t_cost": 3, "m_cost": 32, "lanes": 4, "threads": 1,
            "allocate_cbk": ffi.NULL, "free_cbk": ffi.NULL, "flags": lib.ARGON2_DEFAULT_FLAGS,
        },
    )  # fmt: skip
    assert core(context, Type.ID.value) == lib.ARGON2_OK
    assert bytes(ffi.buffer(out)).hex() == "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"


_INPUTS = {"password": b"\x01" * 32, "salt": b"\x02" * 16, "secret": b"\x03" * 8, "data": b"\x04" * 12}


def test_a_hash_matches_its_password_only() -> None:
    """The right password matches, another does not, and two hashes of one password differ."""
    stored = hash_password(PASSWORD, CHEAP, None)
    assert stored.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert matches(PASSWORD, parse(stored), {})
    assert not matches(PASSWORD + " ", parse(stored), {})
    assert hash_password(PASSWORD, CHEAP, None) != stored
    assert not needs_rehash(stored, CHEAP)


def test_no_password_is_cut_off() -> None:
    """Passwords that differ after the 72nd byte have hashes of their own."""
    stored = hash_password("x" * 72 + "a", CHEAP, None)
    assert not matches("x" * 72 + "b", parse(stored), {})


def test_a_peppered_hash_needs_its_pepper() -> None:
    """With the key it matches, without it nothing can be said: our trouble, not a wrong password."""
    stored = hash_password(PASSWORD, CHEAP, PEPPER)
    taken = parse(stored)
    assert taken.pepper == pepper_name(PEPPER)
    assert matches(PASSWORD, taken, {pepper_name(PEPPER): PEPPER})
    assert not matches("another", taken, {pepper_name(PEPPER): PEPPER})
    with pytest.raises(Unavailable):
        matches(PASSWORD, taken, {})
    assert not matches(PASSWORD, parse(taken.text), {})


def test_the_name_of_a_pepper_says_nothing_of_it() -> None:
    """Names are stable, short, different, and no part of the key."""
    assert pepper_name(PEPPER) == pepper_name(PEPPER) != pepper_name(bytes(32))
    assert len(pepper_name(PEPPER)) == 11
    assert b64encode(PEPPER).decode()[:8] not in pepper_name(PEPPER)


@pytest.mark.parametrize("spelling", ["$2a$", "$2b$", "$2y$"])
def test_imported_bcrypt_hashes_verify(spelling: str) -> None:
    """A bcrypt hash of another program verifies, whatever its spelling, and is to be made anew."""
    stored = spelling + bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()[4:]
    assert matches(PASSWORD, parse(stored), {})
    assert not matches("another", parse(stored), {})
    assert needs_rehash(stored, CHEAP)


def test_imported_bcrypt_hashes_of_long_passwords_verify() -> None:
    """Old programs let bcrypt drop what follows the 72nd byte, even inside a character; such people can still sign in."""
    long = "ü" * 35 + "xüyz" * 5
    stored = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode()
    assert matches(long, parse(stored), {})


def test_a_bcrypt_hash_that_cannot_be_read_is_our_trouble() -> None:
    """A damaged salt is no wrong password."""
    with pytest.raises(Unavailable):
        matches(PASSWORD, parse("$2b$04$" + "z" * 53), {})


def test_a_bcrypt_hash_of_old_verifies() -> None:
    """A hash of the empty password with a fixed salt, kept here, verifies whatever version of bcrypt is installed."""
    vector = "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."
    assert matches("", parse(vector), {})


def test_imported_scrypt_hashes_verify() -> None:
    """RFC 7914 section 12, second vector, in passlib's form; another password does not match."""
    digest = bytes.fromhex(
        "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
    )
    salt, key = (b64encode(raw).rstrip(b"=").decode() for raw in (b"NaCl", digest))
    taken = parse(f"$scrypt$ln=10,r=8,p=16${salt}${key}")
    assert matches("password", taken, {})
    assert not matches("passwort", taken, {})


def test_a_scrypt_hash_that_cannot_be_computed_is_our_trouble() -> None:
    """Costs that scrypt has no meaning for are no wrong password."""
    taken = parse(f"$scrypt$ln=20,r=8,p=99${'A' * 22}${'A' * 43}")
    broken = type(taken)("scrypt", taken.text, None, (3, 8, 1), taken.salt, taken.digest)
    with pytest.raises(Unavailable):
        matches("password", broken, {})


def test_hashing_that_fails_is_our_trouble() -> None:
    """When Argon2 cannot work, such as for want of memory, nobody is told that a password is wrong."""
    broken = PasswordParameters(memory_kib=8)
    object.__setattr__(broken, "time_cost", 0)
    with pytest.raises(Unavailable):
        hash_password(PASSWORD, broken, None)


def test_an_argon2_hash_that_cannot_be_computed_is_our_trouble() -> None:
    """Damage that only the library sees is no wrong password."""
    taken = parse(hash_password(PASSWORD, CHEAP, None))
    broken = type(taken)("argon2id", taken.text.replace("t=1", "t=0"), None, taken.cost, taken.salt, taken.digest)
    with pytest.raises(Unavailable):
        matches(PASSWORD, broken, {})


def test_nobodys_hash_costs_the_same_and_matches_nothing() -> None:
    """The hash for accounts that do not exist has today's cost and sizes, is another in each process, and never matches."""
    mine = nobodys_hash(CHEAP)
    real = parse(hash_password(PASSWORD, CHEAP, None))
    taken = parse(mine)
    assert taken.cost == real.cost
    assert (len(taken.salt), len(taken.digest)) == (len(real.salt), len(real.digest))
    assert not matches("", taken, {})
    assert nobodys_hash(CHEAP) != mine
