"""The slow hash functions themselves: synchronous, each in a library that lets go of the interpreter while it works."""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import b64encode
from collections.abc import Mapping
from typing import assert_never

import bcrypt
from argon2.exceptions import HashingError, VerificationError, VerifyMismatchError
from argon2.low_level import Type, hash_secret, verify_secret

from tallystick.core.keys.encoding import encode
from tallystick.errors import Unavailable
from tallystick.identity.password import PasswordParameters
from tallystick.identity.stored_hash import HASH_BYTES, SALT_BYTES, StoredHash

PEPPER_BYTES = 32
BCRYPT_OCTETS = 72
_PEPPER_NAME = b"tallystick pepper name"


def pepper_name(pepper: bytes) -> str:
    """Gives the name of a pepper as stored hashes carry it: 11 characters that say nothing of the key."""
    return encode(hmac.digest(pepper, _PEPPER_NAME, "sha256")[:8])


def hash_password(password: str, parameters: PasswordParameters, pepper: bytes | None) -> str:
    """Hashes a normalised password with a fresh salt (Argon2id, RFC 9106); takes tens of milliseconds.

    Args:
        password: normalised.
        parameters: what it costs.
        pepper: 32 secret bytes to mix in first, or None.

    Raises:
        Unavailable: there is not enough memory.
    """
    try:
        hashed = hash_secret(
            _peppered(password, pepper),
            os.urandom(SALT_BYTES),
            time_cost=parameters.time_cost,
            memory_cost=parameters.memory_kib,
            parallelism=parameters.parallelism,
            hash_len=HASH_BYTES,
            type=Type.ID,
        ).decode()
    except HashingError as error:
        raise Unavailable("Argon2 could not hash") from error
    return hashed if pepper is None else f"$pepper$k={pepper_name(pepper)}{hashed}"


def matches(password: str, stored: StoredHash, peppers: Mapping[str, bytes]) -> bool:
    """Tells whether a normalised password is the one that was hashed; takes as long as the hash did.

    Args:
        password: normalised.
        stored: the hash, taken apart.
        peppers: name → key of every pepper that hashes were made with.

    Raises:
        Unavailable: its pepper is not there, or there is not enough memory.
    """
    match stored.scheme:
        case "argon2id":
            pepper = None
            if stored.pepper is not None and (pepper := peppers.get(stored.pepper)) is None:
                raise Unavailable(f"the pepper {stored.pepper} that a password was hashed with is not configured")
            return _matches_argon2id(_peppered(password, pepper), stored.text)
        case "bcrypt":
            # bcrypt reads 72 octets; programs that hashed longer passwords let it drop the rest.
            try:
                return bcrypt.checkpw(password.encode()[:BCRYPT_OCTETS], stored.text.encode())
            except ValueError as error:
                raise Unavailable("bcrypt cannot read a stored hash") from error
        case "scrypt":
            return _matches_scrypt(password.encode(), stored)
        case _:
            assert_never(stored.scheme)


def nobodys_hash(parameters: PasswordParameters) -> str:
    """Makes a hash that no password matches and that costs what a real one does; takes no time itself."""
    salt, digest = (b64encode(os.urandom(n)).rstrip(b"=").decode() for n in (SALT_BYTES, HASH_BYTES))
    costs = f"m={parameters.memory_kib},t={parameters.time_cost},p={parameters.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${digest}"


def _peppered(password: str, pepper: bytes | None) -> bytes:
    raw = password.encode()
    return raw if pepper is None else b64encode(hmac.digest(pepper, raw, "sha256"))


def _matches_argon2id(secret: bytes, text: str) -> bool:
    try:
        return verify_secret(text.encode(), secret, Type.ID)
    except VerifyMismatchError:
        return False
    except VerificationError as error:
        raise Unavailable("Argon2 could not verify") from error


def _matches_scrypt(secret: bytes, stored: StoredHash) -> bool:
    n, r, p = stored.cost
    memory = 128 * r * (n + p + 2) + 2**20
    try:
        found = hashlib.scrypt(secret, salt=stored.salt, n=n, r=r, p=p, maxmem=memory, dklen=len(stored.digest))
    except (ValueError, MemoryError) as error:
        raise Unavailable("scrypt could not verify") from error
    return hmac.compare_digest(found, stored.digest)
