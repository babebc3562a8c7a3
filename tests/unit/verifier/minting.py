"""Tokens, keys and cookies for tests of a verifier."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tallystick.core.credentials.access_token import TYPE, claims
from tallystick.core.credentials.cookie import cookie_of
from tallystick.core.credentials.view import CookieFill, SessionView
from tallystick.core.ids import BROWSER_CLIENT, PrincipalId, SessionId
from tallystick.core.keys.encoding import encode, write_object
from tallystick.core.keys.jwk import public_jwk
from tallystick.core.revocation.entry import Position
from tallystick.core.secret import Digest

ISSUER, AUDIENCE = "https://notes.example/auth", "https://export.example"
START = Position(1, 0)


@dataclass(slots=True)
class Key:
    """A signing key of the issuer."""

    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def jwk(self) -> dict[str, Any]:
        """Its public half."""
        return public_jwk(self.private.public_key(), "ES256")

    def mint(self, session: SessionId, *, tal: Position = START, lifetime: int = 300, **changed: object) -> str:
        """Makes an access token."""
        now = int(time.time())
        body = claims(
            issuer=ISSUER,
            audience=AUDIENCE,
            principal=PRINCIPAL,
            client=BROWSER_CLIENT,
            session=session,
            tal=tal,
            now=now,
            expires_at=now + lifetime,
            jti=os.urandom(16),
        )
        header = encode(write_object({"alg": "ES256", "typ": TYPE, "kid": self.jwk["kid"]}))
        signed = f"{header}.{encode(write_object({**body, **changed}))}"
        r, s = decode_dss_signature(self.private.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


PRINCIPAL = PrincipalId.of(b"p" * 16)


def key_set(*keys: Key) -> bytes:
    """Publishes keys."""
    return json.dumps({"keys": [key.jwk for key in keys]}).encode()


def a_session() -> SessionId:
    """Draws a session."""
    return SessionId.of(os.urandom(16))


def a_cookie() -> tuple[str, Digest]:
    """Draws a cookie's value, and its digest."""
    value = cookie_of(os.urandom(32)).reveal()
    return value, Digest.of(value)


def a_fill(session: SessionId, read_at: Position = START, lifetime: int = 300) -> CookieFill:
    """What the authority says of a live browser session."""
    until = int(time.time()) + lifetime
    view = SessionView(session, PRINCIPAL, BROWSER_CLIENT, frozenset({"notes:read"}), read_at, "cookie", until)
    return CookieFill(read_at, until, view)
