"""Stored password hashes: which kinds are read, which are refused, and when one is hashed anew.

    $argon2id$v=19$m=19456,t=2,p=1$salt$hash       ours (PHC string format)
    $pepper$k=0HcQ3aR1zAo$argon2id$…               ours, made of the password's HMAC under the key of that name
    $2a$ $2b$ $2y$ and 53 signs                    bcrypt, imported
    $scrypt$ln=16,r=8,p=1$salt$hash                scrypt, imported, as passlib writes it: base64 without padding

Imported hashes are verified, and made anew at the next sign-in.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from dataclasses import dataclass
from typing import Literal

from tallystick.errors import InvalidRequest
from tallystick.identity.password import PasswordParameters

Scheme = Literal["argon2id", "bcrypt", "scrypt"]
SALT_BYTES = 16
HASH_BYTES = 32
MEMORY_MAX_KIB = 2**20
"""The most memory that a stored hash may ask for, 1 GiB: rows do not decide what a process can afford."""
_BASE64 = "[A-Za-z0-9+/]"
_PEPPER = re.compile(r"\$pepper\$k=([A-Za-z0-9_-]{11})(\$argon2id\$.*)", re.DOTALL)
_ARGON2ID = re.compile(
    rf"\$argon2id\$v=19\$m=([1-9][0-9]{{0,8}}),t=([1-9][0-9]?),p=([1-9][0-9]?)"
    rf"\$({_BASE64}{{11,86}})\$({_BASE64}{{16,171}})"
)
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}")
_SCRYPT = re.compile(
    rf"\$scrypt\$ln=([1-9][0-9]?),r=([1-9][0-9]?),p=([1-9][0-9]?)\$({_BASE64}{{0,86}})\$({_BASE64}{{22,86}})"
)
_WEAK = (
    (re.compile(r"\$apr1\$|\$1\$|\$md5|md5|[0-9a-f]{32}\Z", re.IGNORECASE), "MD5"),
    (re.compile(r"\{s?sha\}|\$sha1\$|sha1|[0-9a-f]{40}\Z", re.IGNORECASE), "SHA-1"),
    (
        re.compile(r"\$[56]\$|[0-9a-f]{64}\Z|[0-9a-f]{128}\Z|\{s?sha(256|512)\}", re.IGNORECASE),
        "SHA-2 crypt or a bare SHA-2",
    ),
    (re.compile(r"[./A-Za-z0-9]{13}\Z|_[./A-Za-z0-9]{19}\Z"), "DES crypt"),
    (re.compile(r"\$argon2[id]\$"), "Argon2i or Argon2d"),
    (re.compile(r"\$2x\$"), "bcrypt with a known fault ($2x$)"),
)


@dataclass(frozen=True, slots=True)
class StoredHash:
    """A stored hash, taken apart.

    Args:
        scheme: which function made it.
        text: what its library reads: the whole, without the name of the pepper.
        pepper: the name of the key that the password was mixed with first; None if there was none.
        cost: Argon2id: memory in KiB, passes, lanes. bcrypt: its exponent. scrypt: N, r, p.
        salt: for Argon2id and scrypt.
        digest: for Argon2id and scrypt.
    """

    scheme: Scheme
    text: str
    pepper: str | None
    cost: tuple[int, ...]
    salt: bytes = b""
    digest: bytes = b""

    def __repr__(self) -> str:
        return f"StoredHash({self.scheme})"


def parse(stored: str) -> StoredHash:
    """Takes a stored hash apart; use it also on every hash that is imported.

    Raises:
        InvalidRequest: it is of a kind that is not read, or costs more than a sign-in may; `public` says so and never
            quotes it.
    """
    outer = _PEPPER.fullmatch(stored)
    text = outer[2] if outer else stored
    if found := _ARGON2ID.fullmatch(text):
        cost = tuple(map(int, found.group(1, 2, 3)))
        if 8 * cost[2] <= cost[0] <= MEMORY_MAX_KIB:
            return StoredHash("argon2id", text, outer[1] if outer else None, cost, _octets(found[4]), _octets(found[5]))
    elif found := _BCRYPT.fullmatch(text):
        return StoredHash("bcrypt", text, None, (int(found[1]),))
    elif found := _SCRYPT.fullmatch(text):
        exponent, r, p = map(int, found.group(1, 2, 3))
        if exponent <= 24 and 128 * r * 2**exponent <= MEMORY_MAX_KIB * 1024:
            return StoredHash("scrypt", text, None, (2**exponent, r, p), _octets(found[4]), _octets(found[5]))
    else:
        raise _refusal(stored)
    raise InvalidRequest("costs out of bounds", public="The password hash asks for more than 1 GiB, or for nonsense.")


def needs_rehash(stored: str, parameters: PasswordParameters, pepper: str | None = None) -> bool:
    """Tells whether a hash is of an older kind or cheaper than today's parameters.

    Args:
        stored: as the account has it.
        parameters: what a hash costs today.
        pepper: the name of the key that new hashes are mixed with; None for none.

    Raises:
        InvalidRequest: it is of a kind that is not read.
    """
    found = parse(stored)
    if found.scheme != "argon2id" or found.pepper != pepper:
        return True
    memory_kib, time_cost, _ = found.cost
    return (
        memory_kib < parameters.memory_kib
        or time_cost < parameters.time_cost
        or len(found.salt) < SALT_BYTES
        or len(found.digest) < HASH_BYTES
    )


def _octets(text: str) -> bytes:
    try:
        return a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except Base64Error:
        raise InvalidRequest("broken base64", public="The password hash is damaged.") from None


def _refusal(stored: str) -> InvalidRequest:
    weak = next((name for pattern, name in _WEAK if pattern.match(stored)), None)
    if weak is None:
        return InvalidRequest(
            "a hash of an unknown kind", public="The password hash is neither Argon2id nor bcrypt nor scrypt."
        )
    return InvalidRequest(
        f"a hash by {weak}",
        public=f"A password hash by {weak} is not accepted: it is guessed too fast. Ask these people for a new password.",
    )
