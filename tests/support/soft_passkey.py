"""A passkey in software: what an authenticator and a browser do between them, down to the bytes (WebAuthn level 3).

It makes ES256 keys with attestation `none`, counts its signatures, and can be told to misbehave in each way that a server
has to notice.
"""

from __future__ import annotations

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


def to_text(raw: bytes) -> str:
    """Writes bytes as WebAuthn's JSON does."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def to_bytes(text: str) -> bytes:
    """Reads bytes as WebAuthn's JSON has them."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class SoftPasskey:
    """An authenticator with one key, in a browser on a page of an origin.

    Args:
        origin: of the page; a browser tells the truth about it.
        step: by how much its counter grows with each signature; 0 for one that does not count, as synced ones do.
        flags: of each answer: present and verified.
        said: further members of the client data, such as `crossOrigin`.
    """

    origin: str
    step: int = 1
    flags: int = PRESENT | VERIFIED
    said: dict[str, Any] = field(default_factory=dict)
    count: int = 0
    id: bytes = field(default_factory=lambda: os.urandom(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    user_handle: bytes = b""
    rp_id: str = ""

    def create(self, options: Mapping[str, Any]) -> str:
        """Answers `navigator.credentials.create`: a RegistrationResponseJSON."""
        self.user_handle, self.rp_id = to_bytes(options["user"]["id"]), options["rp"]["id"]
        held = {to_bytes(one["id"]) for one in options.get("excludeCredentials", [])}
        assert self.id not in held, "an authenticator makes no second passkey for the same account"
        assert any(one["alg"] == -7 for one in options["pubKeyCredParams"])
        numbers = self.key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        data = self._data(self.flags | ATTESTED) + attested
        return self._answer(
            {
                "clientDataJSON": to_text(self._client_data("webauthn.create", options["challenge"])),
                "attestationObject": to_text(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
                "transports": ["internal", "hybrid", "something new"],
            }
        )

    def get(self, options: Mapping[str, Any], *, handle: bool = True) -> str:
        """Answers `navigator.credentials.get`: an AuthenticationResponseJSON."""
        allowed = {to_bytes(one["id"]) for one in options.get("allowCredentials", [])}
        assert not allowed or self.id in allowed, "the account does not have this passkey"
        self.count += self.step
        data = self._data(self.flags)
        said = self._client_data("webauthn.get", options["challenge"])
        signature = self.key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(SHA256()))
        answer = {
            "clientDataJSON": to_text(said),
            "authenticatorData": to_text(data),
            "signature": to_text(signature),
        }
        return self._answer(answer | ({"userHandle": to_text(self.user_handle)} if handle else {}))

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False, **self.said}
        return json.dumps(said).encode()

    def _answer(self, response: Mapping[str, Any]) -> str:
        return json.dumps(
            {
                "id": to_text(self.id),
                "rawId": to_text(self.id),
                "type": "public-key",
                "authenticatorAttachment": "platform",
                "clientExtensionResults": {},
                "response": response,
            }
        )
