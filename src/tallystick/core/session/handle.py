"""Handles: single-use steps on the way to a session, or to a change of an account. No verifier ever accepts one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.revocation.entry import Position
from tallystick.core.secret import Digest, Secret, secret_of

HANDLE_SECRET_BYTES = 32
_PREFIX = "tsh_"
_TEXT = re.compile(r"tsh_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Handle:
    """A handle's row; its value is known to its bearer alone.

    Args:
        digest: of its value.
        kind: what it is for, such as `pending` or `reset`; one that is for something else is as good as none.
        version: raised by every commit; a commit compares it. 0 for one that is not stored yet.
        born: the log position read before the first fact that it relies on.
        created_at: instant at which it was made.
        expires_at: instant from which on it is worthless.
        principal: whose it is, if that is known.
        client: the client that it was made for.
        session: the session that it was made from.
        facts: what its next step needs to know; what must stay secret is sealed.
        consumed_at: instant at which it was redeemed, or withdrawn.
        opened: the session that redeeming it opened.
    """

    digest: Digest
    kind: str
    version: int
    born: Position
    created_at: int
    expires_at: int
    principal: PrincipalId | None = None
    client: ClientId | None = None
    session: SessionId | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    consumed_at: int | None = None
    opened: SessionId | None = None

    def good(self, kind: str, now: int) -> bool:
        """Tells whether it may be redeemed for something now."""
        return self.kind == kind and self.consumed_at is None and now < self.expires_at


def handle_of(raw: bytes) -> Secret:
    """Makes a handle's value of 32 random bytes."""
    if len(raw) != HANDLE_SECRET_BYTES:
        raise ValueError(f"a handle is made of {HANDLE_SECRET_BYTES} bytes, not {len(raw)}")
    return secret_of(raw, _PREFIX)


def digest_of_handle(value: str) -> Digest | None:
    """Gives what a store keeps of a handle's value, or None if the value is not a handle."""
    return Digest.of(value) if _TEXT.fullmatch(value) else None
