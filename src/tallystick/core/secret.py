"""Secrets that never print, and digests that may be stored in their place."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from typing import NoReturn

DIGEST_BYTES = 32


class Secret:
    """A text that authenticates whoever knows it. It never prints, pickles or compares by `==`.

    Args:
        text: the secret itself.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Gives the text; call this only where it goes on the wire or into a hash."""
        return self._text

    def matches(self, other: str) -> bool:
        """Tells whether a text is this secret, in time that does not depend on where they differ."""
        return hmac.compare_digest(self._text.encode(), other.encode("utf-8", "surrogatepass"))

    def __repr__(self) -> str:
        return "Secret(…)"

    def __format__(self, spec: str) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("compare secrets with matches()")

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret does not pickle")


class Digest(bytes):
    """The SHA-256 of a random secret, 32 bytes: what may be stored. Prints its first four bytes only."""

    __slots__ = ()

    def __new__(cls, raw: bytes) -> Digest:  # noqa: D102  (the class says it)
        if len(raw) != DIGEST_BYTES:
            raise ValueError(f"a digest has {DIGEST_BYTES} bytes, not {len(raw)}")
        return super().__new__(cls, raw)

    @classmethod
    def of(cls, text: str) -> Digest:
        """Gives the digest of a secret's text."""
        return cls(hashlib.sha256(text.encode()).digest())

    def matches(self, other: bytes) -> bool:
        """Tells whether two digests are the same, in constant time."""
        return hmac.compare_digest(self, other)

    def __repr__(self) -> str:
        return f"Digest({self[:4].hex()}…)"

    __str__ = __repr__


def secret_of(raw: bytes, prefix: str = "") -> Secret:
    """Makes a secret of random bytes: a prefix that tells its kind, then base64url without padding."""
    return Secret(prefix + urlsafe_b64encode(raw).rstrip(b"=").decode())
