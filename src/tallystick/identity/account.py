"""The stored record of a human principal."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tallystick.core.ids import PrincipalId
from tallystick.identity.authenticators import NO_AUTHENTICATORS, Authenticators

_PERMISSION = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,128}")


@dataclass(frozen=True, slots=True)
class Account:
    """An account's row.

    Args:
        id: the principal.
        version: raised by every commit; a commit compares it. 0 for one that is not stored yet.
        email: the address as it was typed, for display and mail.
        identifier: its canonical form, unique (identity.identifier).
        password_hash: in PHC or modular crypt form; None if it has no password.
        permissions: what it may do; scopes of its sessions are a subset.
        enabled: False after it was disabled.
        created_at: instant of its creation.
        password_changed_at: instant of the last change of its password.
        verified_at: instant at which its owner proved to read mail at the address; None if nobody did.
        authenticators: what its owner proves themselves with beside the password.
    """

    id: PrincipalId
    version: int
    email: str
    identifier: str
    password_hash: str | None
    permissions: frozenset[str]
    enabled: bool
    created_at: int
    password_changed_at: int
    verified_at: int | None = None
    authenticators: Authenticators = NO_AUTHENTICATORS

    def with_password(self, hashed: str, now: int) -> Account:
        """Gives the account with another password.

        The instant of the change grows with every change, also within one second: what was bound to the password of before
        (links in mails, device cookies) is told apart by it.
        """
        changed_at = max(now, self.password_changed_at + 1)
        return replace(self, password_hash=hashed, password_changed_at=changed_at)

    def __repr__(self) -> str:
        return f"Account(id={self.id!s}, version={self.version}, enabled={self.enabled})"


ADMIN_PERMISSION = "tallystick:admin"
"""What an administrator of tallystick itself has."""


def is_permission(text: str) -> bool:
    """Tells whether a text can be a permission: a scope token of RFC 6749 section 3.3, at most 128 characters."""
    return _PERMISSION.fullmatch(text) is not None
