"""The session cookie: opaque, 256 random bits, bound to a browser; its SHA-256 is what a store keeps."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

from tallystick.core.secret import Digest, Secret, secret_of

COOKIE_SECRET_BYTES = 32
_PREFIX = "tsc_"
_TEXT = re.compile(r"tsc_[A-Za-z0-9_-]{43}")


def cookie_of(raw: bytes) -> Secret:
    """Makes a session cookie's value of 32 random bytes."""
    if len(raw) != COOKIE_SECRET_BYTES:
        raise ValueError(f"a session cookie is made of {COOKIE_SECRET_BYTES} bytes, not {len(raw)}")
    return secret_of(raw, _PREFIX)


def digest_of_cookie(value: str) -> Digest | None:
    """Gives what a store keeps of a cookie's value, or None if the value is not a session cookie."""
    return Digest.of(value) if _TEXT.fullmatch(value) else None


def csrf_token_of(value: str) -> str:
    """Gives the token that proves knowledge of a cookie to pages that send neither Fetch Metadata nor Origin.

    It is an HMAC under the cookie itself, so it is bound to the session and nothing of it is stored.
    """
    mac = hmac.new(value.encode(), b"tallystick csrf", hashlib.sha256).digest()
    return urlsafe_b64encode(mac).rstrip(b"=").decode()
