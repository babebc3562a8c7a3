"""Keys, a signer for each algorithm, and tokens by hand, for tests that must be able to write anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hmac import HMAC

from tallystick.core.keys.encoding import encode
from tallystick.core.keys.jwk import public_jwk

SHA256 = hashes.SHA256()
ALGORITHMS = ("ES256", "RS256", "PS256", "Ed25519", "HS256")
PUBLIC = ALGORITHMS[:-1]
SECRET = bytes(range(32))


@cache
def private_key(algorithm: str) -> Any:
    """Gives the private key of the tests for an algorithm; for HS256 its octets."""
    match algorithm:
        case "ES256":
            return ec.derive_private_key(0x1234567890ABCDEF << 128 | 7, ec.SECP256R1())
        case "Ed25519":
            return ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
        case "HS256":
            return SECRET
        case "PS256":
            return private_key("RS256")
        case _:
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def _public(algorithm: str) -> tuple[tuple[str, str], ...]:
    if algorithm == "HS256":
        return (("kty", "oct"), ("k", encode(SECRET)), ("alg", "HS256"), ("kid", "shared"))
    return tuple(public_jwk(private_key(algorithm).public_key(), algorithm).items())


def jwk(algorithm: str, **changes: Any) -> dict[str, Any]:
    """Gives the JWK that verifies what `sign` signs, with members changed, or left out where the change is None."""
    members = {**dict(_public(algorithm)), **changes}
    return {name: value for name, value in members.items() if value is not None}


def jwks(*members: Any) -> dict[str, Any]:
    """Gives a key set."""
    return {"keys": list(members)}


def raw_ecdsa(der: bytes) -> bytes:
    """Gives R and S, 32 octets each, of a signature in DER."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def mac(secret: bytes, signed: bytes) -> bytes:
    """Gives HMAC-SHA-256."""
    context = HMAC(secret, SHA256)
    context.update(signed)
    return context.finalize()


_SIGN: dict[str, Callable[[bytes], bytes]] = {
    "ES256": lambda signed: raw_ecdsa(private_key("ES256").sign(signed, ec.ECDSA(SHA256))),
    "RS256": lambda signed: private_key("RS256").sign(signed, padding.PKCS1v15(), SHA256),
    "PS256": lambda signed: private_key("RS256").sign(signed, padding.PSS(padding.MGF1(SHA256), 32), SHA256),
    "Ed25519": lambda signed: private_key("Ed25519").sign(signed),
    "HS256": lambda signed: mac(SECRET, signed),
}


def sign(algorithm: str, signed: bytes) -> bytes:
    """Signs bytes with the key of the tests."""
    return _SIGN[algorithm](signed)


def compact(value: Any) -> bytes:
    """Gives compact JSON; bytes are passed as they are."""
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()


def header(algorithm: str, **changes: Any) -> dict[str, Any]:
    """Gives the header that tallystick writes, with members changed, or left out where the change is None."""
    members = {"alg": algorithm, "typ": "at+jwt", "kid": jwk(algorithm)["kid"], **changes}
    return {name: value for name, value in members.items() if value is not None}


def token(algorithm: str, payload: Any, head: Any = None, by: Callable[[bytes], bytes] | None = None) -> str:
    """Makes a compact JWS.

    Args:
        algorithm: with which key it is signed.
        payload: bytes, or what JSON shall say.
        head: the header, bytes or a dict; the usual one if None.
        by: signs instead of the key of the tests.
    """
    first = compact(header(algorithm) if head is None else head)
    signed = f"{encode(first)}.{encode(compact(payload))}"
    return f"{signed}.{encode((by or _SIGN[algorithm])(signed.encode()))}"


NOW = 1_790_000_000
ISSUER, AUDIENCE = "https://auth.example.com/x", "https://export.example"


def claims(**changes: Any) -> dict[str, Any]:
    """Gives good claims for ISSUER, AUDIENCE and NOW, with members changed, or left out where the change is None."""
    members: Mapping[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "7Q2FbbbbbbbbbbbbbbbbbB",
        "client_id": "browser",
        "sid": "7Q2FcccccccccccccccccC",
        "tal": "1790000000.42",
        "iat": NOW,
        "exp": NOW + 600,
        "jti": "AAAAAAAAAAAAAAAAAAAAAA",
        **changes,
    }
    return {name: value for name, value in members.items() if value is not None}
