"""The keys that a verifier holds: what the issuer publishes, what was handed over in secret, less what was revoked."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any

from tallystick.core.keys.algorithms import PUBLIC_KEY_ALGORITHMS
from tallystick.core.keys.jws import Reader
from tallystick.core.keys.key_set import KeySet

SharedKeys = dict[str, Any] | Callable[[], dict[str, Any] | None] | None


class Keyring:
    """Written by one thread; `reader` may be taken from any.

    An error while keys are read changes nothing, and a key that the log revoked does not come back with the next read.

    Args:
        shared: keys handed over within one trust domain (HS256): a JWKS, or what gives it at each read.
    """

    def __init__(self, shared: SharedKeys = None) -> None:
        self._shared = shared
        self._raw: bytes | None = None
        self._from: tuple[bytes, object, frozenset[str]] | None = None
        self.revoked: frozenset[str] = frozenset()
        self.reader = Reader(KeySet())

    @property
    def is_loaded(self) -> bool:
        """Tells whether keys were ever read."""
        return self._from is not None

    def take(self, raw: bytes, revoked: Collection[str]) -> None:
        """Takes a published key set, as JSON, and the names of all revoked keys.

        Raises:
            Misconfigured: it is no key set; the keys stay as they were.
        """
        shared = self._shared() if callable(self._shared) else self._shared
        source = (raw, shared, frozenset(revoked))
        if source == self._from:
            return
        keys, names = KeySet.parse(raw).without(source[2]), list(PUBLIC_KEY_ALGORITHMS)
        if shared is not None:
            keys = keys.joined(KeySet.parse(shared, shared=True).without(source[2]))
            names.append("HS256")
        self.reader = Reader(keys, names)
        self._raw, self._from, self.revoked = raw, source, source[2]

    def revoke(self, revoked: Collection[str]) -> None:
        """Drops keys that the log has revoked, without reading anything."""
        if self._raw is not None:
            self.take(self._raw, revoked)

    def published(self) -> bytes | None:
        """Gives the published key set as JSON, less what was revoked; None before the first read."""
        if self._raw is None or not self.revoked:
            return self._raw
        members = json.loads(self._raw)
        kept = [key for key in members["keys"] if not isinstance(key, dict) or key.get("kid") not in self.revoked]
        return json.dumps({**members, "keys": kept}, separators=(",", ":")).encode()
