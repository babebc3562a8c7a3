"""First-seen verification: an access token that nobody has looked at before, against the bare signature check.

The base is `cryptography` verifying the same bytes, written as its documentation writes it, with the key loaded and the
signature decoded (and in DER for ES256) beforehand. Ours parses, verifies, and checks every claim of RFC 9068. Ours and the
peers take the same tokens in the same rounds, each set up once beforehand as its documentation advises.

PyJWT and joserfc are given the algorithm, issuer and audience to demand; neither checks typ or demands every claim.
"""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hmac import HMAC
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import import_key

from benchmarks.harness import Row, measure_interleaved, table
from tallystick.core.credentials.access_token import TYPE, Expected, check, claims
from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.keys.encoding import encode, write_object
from tallystick.core.keys.jwk import public_jwk
from tallystick.core.keys.jws import Reader
from tallystick.core.keys.key_set import KeySet
from tallystick.core.revocation.entry import Position
from tallystick.verifier.bare import verify_access_token

ISSUER, AUDIENCE = "https://auth.example.com/x", "https://export.example"
TOKENS = 32
BUDGETS = {"ES256": (1.20, 1.10), "Ed25519": (1.15, 1.06), "RS256": (1.40, 1.25), "HS256": (4.0, 2.5)}
"""Algorithm → (must, aim)."""
BARE, OURS, FUNCTION = "bare", "ours", "verify_access_token"

_SHA256 = hashes.SHA256()
_ECDSA = ec.ECDSA(_SHA256)
_PKCS1 = padding.PKCS1v15()

Sign = Callable[[bytes], bytes]
Verify = Callable[[bytes, bytes], None]


class Subject:
    """One algorithm, its key and its tokens, as ours, the base and the peers want them.

    Args:
        algorithm: one of BUDGETS.
        seed: makes ids; keys come from the kernel.
    """

    def __init__(self, algorithm: str, seed: int = 1) -> None:
        self.algorithm = algorithm
        self.sign, self.verify, self.jwk = _KEYS[algorithm]()
        self.now = int(time.time())
        draw = random.Random(seed).randbytes
        header = encode(write_object({"alg": algorithm, "typ": TYPE, "kid": self.jwk["kid"]}))
        self.tokens: list[str] = []
        self.bare: list[tuple[bytes, bytes]] = []
        for number in range(TOKENS):
            body = claims(
                issuer=ISSUER,
                audience=AUDIENCE,
                principal=PrincipalId.of(draw(16)),
                client=ClientId.of(draw(16)),
                session=SessionId.of(draw(16)),
                tal=Position(1_790_000_000, 100_000 + number),
                now=self.now,
                expires_at=self.now + 600,
                jti=draw(16),
                scopes=("notes:read", "notes:write"),
                authenticated_at=self.now - 60,
            )
            signed = f"{header}.{encode(write_object(body))}"
            raw = self.sign(signed.encode())
            self.tokens.append(f"{signed}.{encode(raw)}")
            self.bare.append((_native(algorithm, raw), signed.encode()))

    def candidates(self) -> dict[str, Callable[[], None]]:
        """Gives one callable for each side; a call verifies all tokens."""
        return {
            BARE: self._bare(),
            OURS: self._ours(),
            FUNCTION: self._function(),
            "PyJWT": self._pyjwt(),
            "joserfc": self._joserfc(),
        }

    def _bare(self) -> Callable[[], None]:
        verify, pairs = self.verify, self.bare

        def run() -> None:
            for signature, signed in pairs:
                verify(signature, signed)

        return run

    def _ours(self) -> Callable[[], None]:
        shared = self.algorithm == "HS256"
        key_set = KeySet.parse({"keys": [self.jwk]}, shared=shared)
        read = Reader(key_set, ("HS256",) if shared else (self.algorithm,)).read
        expected, now, tokens = Expected(ISSUER, AUDIENCE), self.now, self.tokens

        def run() -> None:
            for token in tokens:
                header, found = read(token)
                check(header, found, expected, now)

        return run

    def _function(self) -> Callable[[], None]:
        jwks, tokens = {"keys": [self.jwk]}, self.tokens

        def run() -> None:
            for token in tokens:
                verify_access_token(token, jwks, issuer=ISSUER, audience=AUDIENCE)

        return run

    def _pyjwt(self) -> Callable[[], None]:
        # PyJWT 2.15 knows Ed25519 by its old name only, and its keys in both cases.
        name = "EdDSA" if self.algorithm == "Ed25519" else self.algorithm
        tokens = self._renamed(name) if name != self.algorithm else self.tokens
        key = jwt.PyJWK({**self.jwk, "alg": name}).key

        def run() -> None:
            for token in tokens:
                jwt.decode(token, key, algorithms=[name], issuer=ISSUER, audience=AUDIENCE)

        return run

    def _joserfc(self) -> Callable[[], None]:
        key, names, tokens = import_key(self.jwk), [self.algorithm], self.tokens
        registry = joserfc_jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": AUDIENCE}
        )

        def run() -> None:
            for token in tokens:
                registry.validate(joserfc_jwt.decode(token, key, algorithms=names).claims)

        return run

    def _renamed(self, name: str) -> list[str]:
        header = encode(write_object({"alg": name, "typ": TYPE, "kid": self.jwk["kid"]}))
        signed = [f"{header}.{token.split('.')[1]}" for token in self.tokens]
        return [f"{text}.{encode(self.sign(text.encode()))}" for text in signed]


def _native(algorithm: str, raw: bytes) -> bytes:
    if algorithm != "ES256":
        return raw
    return encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))


def _es256() -> tuple[Sign, Verify, dict[str, Any]]:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()

    def sign(signed: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(signed, _ECDSA))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def verify(signature: bytes, signed: bytes) -> None:
        public.verify(signature, signed, ec.ECDSA(hashes.SHA256()))

    return sign, verify, public_jwk(public, "ES256")


def _ed25519() -> tuple[Sign, Verify, dict[str, Any]]:
    key = ed25519.Ed25519PrivateKey.generate()
    public = key.public_key()
    return key.sign, public.verify, public_jwk(public, "Ed25519")


def _rs256() -> tuple[Sign, Verify, dict[str, Any]]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key()

    def verify(signature: bytes, signed: bytes) -> None:
        public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())

    return lambda signed: key.sign(signed, _PKCS1, _SHA256), verify, public_jwk(public, "RS256")


def _hs256() -> tuple[Sign, Verify, dict[str, Any]]:
    secret = random.SystemRandom().randbytes(32)

    def sign(signed: bytes) -> bytes:
        mac = HMAC(secret, _SHA256)
        mac.update(signed)
        return mac.finalize()

    def verify(signature: bytes, signed: bytes) -> None:
        mac = HMAC(secret, hashes.SHA256())
        mac.update(signed)
        mac.verify(signature)

    kid = encode(random.SystemRandom().randbytes(16))
    return sign, verify, {"kty": "oct", "k": encode(secret), "alg": "HS256", "kid": kid}


_KEYS: dict[str, Callable[[], tuple[Sign, Verify, dict[str, Any]]]] = {
    "ES256": _es256,
    "Ed25519": _ed25519,
    "RS256": _rs256,
    "HS256": _hs256,
}


def run(rounds: int = 41) -> list[Row]:
    """Measures every algorithm against its base and the peers; gives one row for each."""
    rows = []
    for algorithm, (must, aim) in BUDGETS.items():
        candidates = Subject(algorithm).candidates()
        inner = 40 if algorithm == "HS256" else 4
        measured = measure_interleaved(candidates, rounds, inner)
        ratios = {name: median / measured[BARE] for name, median in measured.items()}
        others = {name: ratio for name, ratio in ratios.items() if name not in (BARE, OURS)}
        what = f"verify a first-seen token ÷ bare cryptography, {algorithm}"
        rows.append(Row(what, ratios[OURS], must, aim, others, base_ns=measured[BARE] / TOKENS))
    return rows


if __name__ == "__main__":
    warnings.simplefilter("error")
    print(table(run()))
