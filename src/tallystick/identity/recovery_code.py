"""Recovery codes: long random values on paper, each good once in place of a second factor (NIST SP 800-63B-4, look-up secrets).

A code has 120 random bits. From 112 on a plain hash keeps it (ASVS 6.5.2): it cannot be guessed at from a stolen database,
and a slow hash would add nothing.
"""

from __future__ import annotations

import re

from tallystick.core.secret import Digest, Secret

CODES = 10
CODE_BYTES = 15
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Without i, l, o and u: nothing that is read for something else, and no words."""
_LENGTH = CODE_BYTES * 8 // 5
_GROUP = 4
_MISREAD = str.maketrans("ilo", "110")
_FORM = re.compile(rf"[{_ALPHABET}]{{{_LENGTH}}}")
RANDOM_BYTES = CODES * CODE_BYTES


def codes_of(raw: bytes) -> tuple[Secret, ...]:
    """Makes ten codes of RANDOM_BYTES random bytes, as they are shown once: six groups of four signs."""
    if len(raw) != RANDOM_BYTES:
        raise ValueError(f"recovery codes are made of {RANDOM_BYTES} bytes, not {len(raw)}")
    return tuple(Secret(_written(raw[start : start + CODE_BYTES])) for start in range(0, RANDOM_BYTES, CODE_BYTES))


def _written(raw: bytes) -> str:
    number = int.from_bytes(raw, "big")
    signs = "".join(_ALPHABET[number >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))
    return "-".join(signs[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))


def digest_of_recovery_code(typed: str) -> Digest | None:
    """Gives what a store keeps of a code, however it was typed; None if it cannot be one.

    Case, blanks and dashes do not count, and what is easily misread counts as what it was.
    """
    signs = re.sub(r"[\s-]", "", typed).lower().translate(_MISREAD)
    return Digest.of(signs) if _FORM.fullmatch(signs) else None
