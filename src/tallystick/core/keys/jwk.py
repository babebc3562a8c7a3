"""One JSON Web Key: strict parse, public rendering, thumbprint (RFC 7517, 7518 section 6, 7638, 8037).

Every function that refuses raises ValueError with a reason that names members and never their values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hmac import HMAC

from tallystick.core.ids import KeyId
from tallystick.core.keys.algorithms import OLD_NAMES, SHA256, NativeKey
from tallystick.core.keys.encoding import decode, encode, read_object, write_object

KID_MAX = 256
RSA_BITS = (2048, 8192)
RSA_EXPONENTS = (2**16 + 1, 2**32)
"""FIPS 186-5 section 5.1 sets the lower bound; the upper one bounds the work of a verification."""
OCT_BYTES = (32, 1024)
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_THUMBPRINT = {
    "EC": ("crv", "kty", "x", "y"),
    "RSA": ("e", "kty", "n"),
    "OKP": ("crv", "kty", "x"),
    "oct": ("k", "kty"),
}
_OPENSSH = (b"ssh-", b"ecdsa-", b"sk-ssh-", b"sk-ecdsa-")
_LENGTH = rb"(?:[\x00-\x7f]|\x81.|\x82..)"
_DER = re.compile(
    rb"\x30" + _LENGTH + rb"(?:\x30" + _LENGTH + rb"(?:\x06[\x03-\x09]|\xa0\x03)|\x02\x82[\x01-\x04])", re.DOTALL
)
"""How a key (a sequence of a sequence of an object identifier, or of a long integer) or a certificate begins in DER."""
_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P


@dataclass(frozen=True, slots=True, eq=False)
class VerificationKey:
    """A key that checks signatures, with the algorithms it may be used with.

    Args:
        kid: its name in the set, or None.
        algorithms: the algorithm of the key; RS256 and PS256 where an RSA key does not say which.
        native: the key as cryptography has it.
    """

    kid: str | None
    algorithms: tuple[str, ...]
    native: NativeKey = field(repr=False)


def parse(jwk: object, *, shared: bool) -> VerificationKey:
    """Reads one member of a key set.

    Args:
        jwk: the member as JSON gave it.
        shared: whether the set was handed over in secret, so that symmetric keys may be in it.

    Raises:
        ValueError: it is no key for signatures that tallystick knows, it is weak, or it should not be here.
    """
    if type(jwk) is not dict:
        raise ValueError("not a JSON object")
    kind = _text(jwk, "kty")
    if kind not in _KINDS:
        raise ValueError("a key type that is not supported")
    algorithms, read = _KINDS[kind]
    if kind == "oct" and not shared:
        raise ValueError("a symmetric key in a published set")
    if any(member in jwk for member in _PRIVATE if (kind, member) != ("oct", "k")):
        raise ValueError("private members in a published key")
    _check_use(jwk)
    if "alg" in jwk:
        named = _text(jwk, "alg")
        named = OLD_NAMES.get(named, named)
        if named not in algorithms:
            raise ValueError("an algorithm that is not supported for this key")
        algorithms = (named,)
    kid = _text(jwk, "kid") if "kid" in jwk else None
    if kid is not None and not 0 < len(kid) <= KID_MAX:
        raise ValueError("a kid that is empty or too long")
    try:
        return VerificationKey(kid, algorithms, read(jwk))
    except UnsupportedAlgorithm as error:
        raise ValueError("a key that the cryptographic library refuses") from error


def _check_use(jwk: Mapping[str, Any]) -> None:
    if "use" in jwk and jwk["use"] != "sig":
        raise ValueError("a key for another use")
    operations = jwk.get("key_ops", ["verify"])
    if type(operations) is not list or "verify" not in operations:
        raise ValueError("a key for other operations")


def _text(jwk: Mapping[str, Any], member: str) -> str:
    found = jwk.get(member)
    if not isinstance(found, str):
        raise ValueError(f"{member} is missing or no text")
    return found


def _octets(jwk: Mapping[str, Any], member: str, longest: int) -> bytes:
    text = _text(jwk, member)
    if len(text) > longest * 4 // 3 + 1:
        raise ValueError(f"{member} is too long")
    return decode(text)


def _unsigned(jwk: Mapping[str, Any], member: str, longest: int) -> int:
    raw = _octets(jwk, member, longest)
    if raw[:1] in (b"", b"\0"):
        raise ValueError(f"{member} is empty or begins with a zero octet")
    return int.from_bytes(raw, "big")


def _ec(jwk: Mapping[str, Any]) -> EllipticCurvePublicKey:
    if _text(jwk, "crv") != "P-256":
        raise ValueError("a curve that is not supported")
    x, y = _octets(jwk, "x", 32), _octets(jwk, "y", 32)
    if len(x) != 32 or len(y) != 32:
        raise ValueError("a coordinate that is not 32 octets long")
    numbers = EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), SECP256R1())
    return numbers.public_key()


def _rsa(jwk: Mapping[str, Any]) -> RSAPublicKey:
    modulus, exponent = _unsigned(jwk, "n", RSA_BITS[1] // 8), _unsigned(jwk, "e", 8)
    if not RSA_BITS[0] <= modulus.bit_length() <= RSA_BITS[1] or modulus % 2 == 0:
        raise ValueError(f"an RSA modulus that is even, or not {RSA_BITS[0]} to {RSA_BITS[1]} bits long")
    if not RSA_EXPONENTS[0] <= exponent <= RSA_EXPONENTS[1] or exponent % 2 == 0:
        raise ValueError("an RSA exponent that is even, too small or too big")
    return RSAPublicNumbers(exponent, modulus).public_key()


def _okp(jwk: Mapping[str, Any]) -> Ed25519PublicKey:
    if _text(jwk, "crv") != "Ed25519":
        raise ValueError("a curve that is not supported")
    raw = _octets(jwk, "x", 32)
    if len(raw) != 32:
        raise ValueError("x is not 32 octets long")
    # RFC 8032 section 5.1.3: y is below p, and x² = (y² − 1) / (d·y² + 1) has a root. Under a key whose order divides 8
    # there are signatures that nobody made (RFC 8725 section 3.4: validate the inputs of a curve).
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    x2 = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    if y >= _P or pow(x2, (_P - 1) // 2, _P) == _P - 1 or _is_small(x2, y):
        raise ValueError("x is not a point of the curve's large group")
    return Ed25519PublicKey.from_public_bytes(raw)


def _is_small(x2: int, y: int) -> bool:
    """Tells whether the order of the points (±√x2, y) divides 8: three doublings end at the neutral element (0, 1)."""
    for _ in range(3):
        y2 = y * y
        product = _D * x2 * y2 % _P
        doubled = (y2 + x2) * pow(1 - product, -1, _P) % _P
        x2 = 4 * x2 * y2 * pow(pow(1 + product, 2, _P), -1, _P) % _P
        y = doubled
    return y == 1


def _oct(jwk: Mapping[str, Any]) -> HMAC:
    secret = _octets(jwk, "k", OCT_BYTES[1])
    if not OCT_BYTES[0] <= len(secret) <= OCT_BYTES[1]:
        raise ValueError(f"a symmetric key that is not {OCT_BYTES[0]} to {OCT_BYTES[1]} octets long")
    if _looks_public(secret):
        raise ValueError("a symmetric key that is the text of a public key")
    return HMAC(secret, SHA256)


def _looks_public(secret: bytes) -> bool:
    """Tells whether octets are the text of a public key or certificate: PEM, OpenSSH, DER, JWK or JWKS."""
    text = b"".join(secret.split())
    if b"----BEGIN" in text or text.startswith(_OPENSSH) or _DER.match(secret):
        return True
    try:
        return bool(read_object(secret))
    except ValueError:
        return False


_KINDS: dict[str, tuple[tuple[str, ...], Callable[[Mapping[str, Any]], NativeKey]]] = {
    "EC": (("ES256",), _ec),
    "RSA": (("RS256", "PS256"), _rsa),
    "OKP": (("Ed25519",), _okp),
    "oct": (("HS256",), _oct),
}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Gives the SHA-256 thumbprint of a JWK as base64url, 43 characters (RFC 7638 section 3; RFC 8037 appendix A.3)."""
    members = _THUMBPRINT.get(_text(jwk, "kty"))
    if members is None:
        raise ValueError("a key type that is not supported")
    return encode(sha256(write_object({member: _text(jwk, member) for member in members})).digest())


def kid_of(jwk: Mapping[str, Any]) -> KeyId:
    """Gives the name that a key made here has: the first 22 characters (132 bits) of its thumbprint."""
    return KeyId(thumbprint(jwk)[:22])


def public_jwk(key: EllipticCurvePublicKey | RSAPublicKey | Ed25519PublicKey, algorithm: str) -> dict[str, str]:
    """Renders a public key for publishing: its members, `use`, `alg` and the `kid` that `kid_of` gives.

    Args:
        key: a P-256, RSA or Ed25519 public key.
        algorithm: the one algorithm that the key is used with.

    Raises:
        ValueError: the algorithm is not one for this key.
    """
    members: dict[str, str]
    match key:
        case EllipticCurvePublicKey(curve=SECP256R1()):
            point = key.public_numbers()
            x, y = (encode(number.to_bytes(32, "big")) for number in (point.x, point.y))
            members = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        case RSAPublicKey():
            numbers = key.public_numbers()
            n, e = (encode(number.to_bytes((number.bit_length() + 7) // 8, "big")) for number in (numbers.n, numbers.e))
            members = {"kty": "RSA", "n": n, "e": e}
        case Ed25519PublicKey():
            members = {"kty": "OKP", "crv": "Ed25519", "x": encode(key.public_bytes_raw())}
        case _:
            raise ValueError("a curve that is not supported")
    rendered = {**members, "use": "sig", "alg": algorithm, "kid": kid_of(members)}
    parse(rendered, shared=False)
    return rendered
