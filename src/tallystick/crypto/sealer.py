"""Sealing: what must be readable again is encrypted under the root key, for one purpose.

    byte 0        the format, 1
    byte 1        the version of the root key
    bytes 2–13    a random nonce
    then          AES-256-GCM of the plain bytes, with its tag of 16 bytes

The key is derived for the purpose, and the purpose and the two first bytes are authenticated too, so that a value which
was sealed for one thing is never taken for another. A new format gets a new first byte; old ones stay readable.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tallystick.crypto.root_key import RootKey
from tallystick.errors import Misconfigured

_FORMAT = 1
_NONCE_BYTES = 12
_HEAD_BYTES = 2
_TAG_BYTES = 16
_MAC_BYTES = 32
_REFRESH_MASTER = "refresh-master:1"


class RootSealer:
    """Seals under a root key.

    Args:
        root_key: its newest version seals, all of them open.
    """

    __slots__ = ("_cipher", "_masters", "_root_key")

    def __init__(self, root_key: RootKey) -> None:
        self._root_key = root_key
        self._masters = MappingProxyType(
            {version: root_key.derive(version, _REFRESH_MASTER) for version in root_key.versions}
        )
        self._cipher = lru_cache(maxsize=64)(self._make_cipher)

    def __repr__(self) -> str:
        return f"RootSealer({self._root_key!r})"

    def seal(self, purpose: str, plain: bytes) -> bytes:
        """Seals bytes for one purpose; twice the same gives different bytes."""
        head = bytes((_FORMAT, self._root_key.newest))
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher(self._root_key.newest, purpose).encrypt(nonce, plain, head + purpose.encode())
        return head + nonce + sealed

    def unseal(self, purpose: str, sealed: bytes) -> bytes:
        """Opens what was sealed for a purpose.

        Raises:
            Misconfigured: it was sealed for another purpose or under another root key, or was changed.
        """
        if len(sealed) < _HEAD_BYTES + _NONCE_BYTES + _TAG_BYTES or sealed[0] != _FORMAT:
            raise Misconfigured(f"what is sealed for {purpose} is of a form that is not known here")
        head, nonce, rest = sealed[:2], sealed[2:14], sealed[14:]
        try:
            return self._cipher(sealed[1], purpose).decrypt(nonce, rest, head + purpose.encode())
        except InvalidTag:
            raise Misconfigured(
                f"what is sealed for {purpose} does not open: the root key is not the one that it was sealed under"
            ) from None

    def mac(self, purpose: str, message: bytes) -> bytes:
        """Gives proof that whoever has the root key has seen a message: its version, then HMAC-SHA-256 (RFC 2104)."""
        return self._mac(self._root_key.newest, purpose, message)

    def is_mac(self, purpose: str, message: bytes, mac: bytes) -> bool:
        """Tells whether a proof is one of this message for this purpose, under any version of the root key that is here."""
        if len(mac) != 1 + _MAC_BYTES or mac[0] not in self._root_key.versions:
            return False
        return hmac.compare_digest(mac, self._mac(mac[0], purpose, message))

    def refresh_masters(self) -> Mapping[int, bytes]:
        """Gives the master keys of refresh tokens: version of the root key → 32 bytes."""
        return self._masters

    def _mac(self, version: int, purpose: str, message: bytes) -> bytes:
        return bytes((version,)) + hmac.digest(self._root_key.derive(version, f"mac:{purpose}"), message, "sha256")

    def _make_cipher(self, version: int, purpose: str) -> AESGCM:
        return AESGCM(self._root_key.derive(version, f"seal:{purpose}"))
