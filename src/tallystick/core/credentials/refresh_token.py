"""The refresh token: session id, generation, and a MAC under a master key that is not in the store.

Nothing of it is stored but the generation, so every old generation is recognised without stored digests, a forgery fails
before any I/O, and the successor of a generation can be made again, identically.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from tallystick.core.ids import SessionId
from tallystick.core.secret import Secret

_TEXT = re.compile(r"tsr_([1-9A-HJ-NP-Za-km-z]{22})_(0|[1-9][0-9]{0,9})_([A-Za-z0-9_-]{43})")
GENERATION_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token that parsed and whose MAC is right.

    Args:
        session: the session that it belongs to.
        generation: its ordinal; 0 is the first.
        master_version: the version of the master key under which it was made.
    """

    session: SessionId
    generation: int
    master_version: int


def _mac(master_key: bytes, session: SessionId, generation: int) -> str:
    # HKDF-Expand (RFC 5869 section 2.3) with one block: the master key is uniformly random, so no extract step is needed.
    key = hmac.new(master_key, b"tallystick refresh\x00" + session.encode() + b"\x01", hashlib.sha256).digest()
    mac = hmac.new(key, generation.to_bytes(8, "big"), hashlib.sha256).digest()
    return urlsafe_b64encode(mac).rstrip(b"=").decode()


def derive_refresh_token(master_key: bytes, session: SessionId, generation: int) -> Secret:
    """Makes the refresh token of a session's generation; the same arguments give the identical token.

    Args:
        master_key: 32 random bytes that are not in the store.
        session: the session.
        generation: 0 to GENERATION_MAX.
    """
    return Secret(f"tsr_{session}_{generation}_{_mac(master_key, session, generation)}")


def parse_refresh_token(text: str, master_keys: Mapping[int, bytes]) -> RefreshToken | None:
    """Gives the refresh token that a text is, or None if it is none of ours.

    Args:
        text: what was presented.
        master_keys: version → key, all versions that live sessions may still use.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    session, generation = SessionId(found[1]), int(found[2])
    if generation > GENERATION_MAX:
        return None
    for version, key in master_keys.items():
        if hmac.compare_digest(_mac(key, session, generation), found[3]):
            return RefreshToken(session, generation, version)
    return None
