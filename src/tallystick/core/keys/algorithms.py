"""The signature algorithms, each as a check made ready for one key. The one place of the core that touches cryptography.

A check takes the signature and the signed bytes, returns nothing when they match and raises InvalidSignature otherwise.
Where the library takes a digest, hashing beforehand is measurably cheaper than having it done inside.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hmac import HMAC

Check = Callable[[bytes, bytes], None]
NativeKey = EllipticCurvePublicKey | RSAPublicKey | Ed25519PublicKey | HMAC

PUBLIC_KEY_ALGORITHMS = ("ES256", "RS256", "PS256", "Ed25519")
"""Algorithms whose keys may be published."""
ALGORITHMS = (*PUBLIC_KEY_ALGORITHMS, "HS256")
OLD_NAMES = {"EdDSA": "Ed25519"}
"""Names that are read and never written (RFC 9864 section 4)."""

SHA256 = hashes.SHA256()
_HASHED = Prehashed(SHA256)
_ECDSA = ECDSA(_HASHED)
_PKCS1 = PKCS1v15()
_PSS = PSS(mgf=MGF1(SHA256), salt_length=32)


def check_for(algorithm: str, key: NativeKey) -> Check:
    """Makes the check of one algorithm for one key; the two must fit, which `jwk.parse` sees to.

    Args:
        algorithm: one of ALGORITHMS.
        key: a native public key, or for HS256 an HMAC-SHA-256 context that has taken no data yet.
    """
    match algorithm, key:
        case "ES256", EllipticCurvePublicKey():
            return _es256(key)
        case "RS256", RSAPublicKey():
            return lambda signature, signed: key.verify(signature, sha256(signed).digest(), _PKCS1, _HASHED)
        case "PS256", RSAPublicKey():
            return lambda signature, signed: key.verify(signature, sha256(signed).digest(), _PSS, _HASHED)
        case "Ed25519", Ed25519PublicKey():
            return key.verify
        case "HS256", HMAC():
            return _hs256(key)
    raise ValueError(f"no key for {algorithm}")


def _es256(key: EllipticCurvePublicKey) -> Check:
    verify = key.verify

    def check(signature: bytes, signed: bytes) -> None:
        # RFC 7518 section 3.4: R and S, 32 octets each. DER wants the shortest positive integers.
        r, s = signature[:32].lstrip(b"\0"), signature[32:].lstrip(b"\0")
        if len(signature) != 64 or not r or not s:
            raise InvalidSignature
        if r[0] > 127:
            r = b"\0" + r
        if s[0] > 127:
            s = b"\0" + s
        verify(b"0%c\x02%c%b\x02%c%b" % (len(r) + len(s) + 4, len(r), r, len(s), s), sha256(signed).digest(), _ECDSA)

    return check


def _hs256(context: HMAC) -> Check:
    copy = context.copy

    def check(signature: bytes, signed: bytes) -> None:
        mac = copy()
        mac.update(signed)
        mac.verify(signature)

    return check
