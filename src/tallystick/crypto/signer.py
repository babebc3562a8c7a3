"""The signer: private keys at work, sealed wherever they rest."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
)
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from tallystick.core.ids import KeyId
from tallystick.core.keys.encoding import encode, write_object
from tallystick.core.keys.jwk import kid_of, public_jwk
from tallystick.core.keys.lifecycle import KeyState, SigningKey
from tallystick.errors import Misconfigured, Unavailable
from tallystick.ports import Sealer

RSA_BITS = 2048
"""RFC 7518 section 3.3 asks for 2048 or more; a key signs for weeks, not decades, and every request pays for its size."""
HMAC_BYTES = 32
_SHARED_STATES = (KeyState.ANNOUNCED, KeyState.ACTIVE, KeyState.RETIRING)
_SHA256 = hashes.SHA256()
_ECDSA = ECDSA(_SHA256)
_PADDINGS: dict[str, AsymmetricPadding] = {"RS256": PKCS1v15(), "PS256": PSS(mgf=MGF1(_SHA256), salt_length=32)}
_PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey | Ed25519PrivateKey
_Sign = Callable[[bytes], bytes]
_to_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class _Ready:
    """A key that can sign: its name, the encoded header that it writes, with its dot, and the operation."""

    kid: KeyId
    header: str
    sign: _Sign = field(repr=False)


class KeySigner:
    """Signs access tokens with the active key.

    Args:
        sealer: opens and seals private halves.
    """

    __slots__ = ("_ready", "_sealer", "_shared")

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._ready: _Ready | None = None
        self._shared: tuple[dict[str, object], ...] = ()

    @property
    def active(self) -> KeyId | None:
        """The key that signs now."""
        return self._ready.kid if self._ready is not None else None

    def generate(self, algorithm: str, now: int) -> SigningKey:
        """Makes a key pair, its private half sealed, announced now and not yet signing.

        Args:
            algorithm: ES256, RS256, PS256, Ed25519 or HS256.
            now: the instant, whole seconds.

        Raises:
            Misconfigured: the algorithm is none of these.
        """
        kid, private, public = _new_pair(algorithm)
        while kid.startswith("-"):
            # Such a name would be taken for an option where keys are revoked by hand.
            kid, private, public = _new_pair(algorithm)
        return SigningKey(
            kid=kid,
            algorithm=algorithm,
            public=public,
            sealed=self._sealer.seal(_purpose(kid), private),
            state=KeyState.ANNOUNCED,
            created_at=now,
            announced_at=now,
        )

    def load(self, keys: Sequence[SigningKey]) -> None:
        """Takes the keys as the store has them; the active one signs from now on, and none if none is active.

        Raises:
            Misconfigured: the private half of a key that is needed does not open, or is not the half of that key.
        """
        active = next((key for key in keys if key.state is KeyState.ACTIVE), None)
        shared = tuple(
            self._shared_jwk(key) for key in keys if key.algorithm == "HS256" and key.state in _SHARED_STATES
        )
        if active is None:
            self._ready = None
        elif self.active != active.kid:
            self._ready = self._opened(active)
        self._shared = shared

    def sign(self, claims: Mapping[str, object]) -> str:
        """Signs the claims of an access token and gives its compact form (RFC 7515 section 7.1, RFC 9068 section 2.1).

        Raises:
            Unavailable: no key is active.
        """
        ready = self._ready
        if ready is None:
            raise Unavailable("no signing key is active")
        signed = ready.header + encode(_to_json(claims).encode())
        return f"{signed}.{encode(ready.sign(signed.encode()))}"

    def shared_key_set(self) -> dict[str, object] | None:
        """Gives the symmetric keys as a JWKS for verifiers of the same trust domain; never publish it. None without any."""
        return {"keys": [dict(key) for key in self._shared]} if self._shared else None

    def _opened(self, key: SigningKey) -> _Ready:
        private = self._sealer.unseal(_purpose(key.kid), key.sealed)
        kid, sign = _ready_to_sign(key.algorithm, private)
        if kid != key.kid:
            raise Misconfigured(f"the private half of signing key {key.kid} belongs to another key")
        header = encode(write_object({"alg": key.algorithm, "kid": key.kid, "typ": "at+jwt"}))
        return _Ready(key.kid, f"{header}.", sign)

    def _shared_jwk(self, key: SigningKey) -> dict[str, object]:
        members = _shared_members(self._sealer.unseal(_purpose(key.kid), key.sealed))
        return {**members, "use": "sig", "alg": "HS256", "kid": key.kid}


def _purpose(kid: KeyId) -> str:
    return f"signing-key:{kid}"


def _shared_members(secret: bytes) -> dict[str, str]:
    return {"kty": "oct", "k": encode(secret)}


def _new_pair(algorithm: str) -> tuple[KeyId, bytes, bytes]:
    """Makes a key; gives its name, its private half and its public JWK in JSON (empty for HS256)."""
    if algorithm == "HS256":
        secret = os.urandom(HMAC_BYTES)
        return kid_of(_shared_members(secret)), secret, b""
    key = _generate(algorithm)
    rendered = public_jwk(key.public_key(), algorithm)
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return KeyId(rendered["kid"]), private, write_object(rendered)


def _generate(algorithm: str) -> _PrivateKey:
    match algorithm:
        case "ES256":
            return generate_ec(SECP256R1())
        case "RS256" | "PS256":
            return generate_rsa(65537, RSA_BITS)
        case "Ed25519":
            return Ed25519PrivateKey.generate()
    raise Misconfigured(f"there is no signing algorithm {algorithm!r}")


def _ready_to_sign(algorithm: str, private: bytes) -> tuple[KeyId, _Sign]:
    """Gives the name that a private half has, and the operation that signs with it."""
    if algorithm == "HS256":
        return kid_of(_shared_members(private)), _hs256(private)
    try:
        key = load_der_private_key(private, password=None)
    except (ValueError, UnsupportedAlgorithm):
        raise Misconfigured("the private half of a signing key is damaged") from None
    match algorithm, key:
        case "ES256", EllipticCurvePrivateKey():
            sign = _es256(key)
        case "RS256" | "PS256", RSAPrivateKey():
            sign = _rsa(key, _PADDINGS[algorithm])
        case "Ed25519", Ed25519PrivateKey():
            sign = key.sign
        case _:
            raise Misconfigured(f"the private half of a signing key is not one for {algorithm}")
    return KeyId(public_jwk(key.public_key(), algorithm)["kid"]), sign


def _es256(key: EllipticCurvePrivateKey) -> _Sign:
    def sign(signed: bytes) -> bytes:
        # RFC 7518 section 3.4: R and S, 32 octets each, big-endian.
        r, s = decode_dss_signature(key.sign(signed, _ECDSA))
        return (r << 256 | s).to_bytes(64, "big")

    return sign


def _rsa(key: RSAPrivateKey, padding: AsymmetricPadding) -> _Sign:
    return lambda signed: key.sign(signed, padding, _SHA256)


def _hs256(secret: bytes) -> _Sign:
    context = hmac.HMAC(secret, _SHA256)

    def sign(signed: bytes) -> bytes:
        mac = context.copy()
        mac.update(signed)
        return mac.finalize()

    return sign
