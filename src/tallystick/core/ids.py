"""The names of things: distinct types with one text form each.

An id is 128 random bits in base 58, 22 characters, so that it can be double-clicked, never begins with a dash and has
no look-alikes. Ids are names, not secrets: whoever knows one can present nothing with it.
"""

from __future__ import annotations

import re
from typing import Self

ID_BYTES = 16
_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_LENGTH = 22
_TEXT = re.compile(rf"[{_ALPHABET}]{{{_LENGTH}}}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEY_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _base58(raw: bytes) -> str:
    number = int.from_bytes(raw, "big")
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, 58)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


class _Id(str):
    """A text that names one kind of thing; compares and hashes as its text."""

    __slots__ = ()

    @classmethod
    def of(cls, raw: bytes) -> Self:
        """Gives the id of 16 random bytes."""
        if len(raw) != ID_BYTES:
            raise ValueError(f"an id is made of {ID_BYTES} bytes, not {len(raw)}")
        return cls(_base58(raw))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Gives the id that a text names, or None if the text cannot be an id."""
        return cls(text) if _TEXT.fullmatch(text) else None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class SessionId(_Id):
    """Names a session: store key, `sid` claim, target of an ending. Never a credential."""

    __slots__ = ()


class PrincipalId(_Id):
    """Names who is authenticated, a person or a service; `sub` on the wire."""

    __slots__ = ()


class ClientId(_Id):
    """Names an OAuth client. Random ones are 22 characters; built-in ones have a readable name such as `browser`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Gives the client id that a text names, or None: 1 to 64 of `A-Z a-z 0-9 . _ -`, beginning with a letter or digit."""
        return cls(text) if _NAME.fullmatch(text) else None


class KeyId(_Id):
    """Names a signing key; `kid` on the wire, at most 22 characters when made here."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Gives the key id that a text names, or None: 1 to 64 of the base64url alphabet."""
        return cls(text) if _KEY_NAME.fullmatch(text) else None


BROWSER_CLIENT = ClientId("browser")
"""The built-in first-party client of access tokens that are minted from a session cookie."""
