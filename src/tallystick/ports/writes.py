"""What a commit is told to write, beside the changes that rules decide."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.audit import AuditEntry
from tallystick.core.ids import PrincipalId, SessionId
from tallystick.core.keys.lifecycle import SigningKey
from tallystick.core.secret import Digest
from tallystick.core.session.decision import Change
from tallystick.core.session.handle import Handle
from tallystick.identity.account import Account
from tallystick.oauth.client import Client


@dataclass(frozen=True, slots=True)
class PutAccount:
    """Insert (version 0) or replace an account; Conflict if the stored version differs.

    Args:
        account: the row to be, carrying the version that was loaded; it is written with version + 1. A second account
            with the same identifier is AlreadyExists.
    """

    account: Account


@dataclass(frozen=True, slots=True)
class PutClient:
    """Insert (version 0) or replace a client; Conflict if the stored version differs.

    Args:
        client: the row to be, carrying the version that was loaded; it is written with version + 1.
    """

    client: Client


@dataclass(frozen=True, slots=True)
class PutKeys:
    """Replace the signing keys as a whole; Conflict if they changed since they were loaded.

    Args:
        keys: all keys that are still known, whatever their state.
        expecting: the version of the set that was loaded.
    """

    keys: tuple[SigningKey, ...]
    expecting: int


@dataclass(frozen=True, slots=True)
class PutHandle:
    """Insert (version 0) or replace a handle; Conflict if the stored version differs or it was consumed.

    Args:
        handle: the row to be, carrying the version that was loaded; it is written with version + 1.
    """

    handle: Handle


@dataclass(frozen=True, slots=True)
class RedeemHandle:
    """Consume a handle, exactly once; Conflict if it is missing, was consumed or is past its time.

    Args:
        digest: which one.
        opened: the session that this very commit opens by it.
    """

    digest: Digest
    opened: SessionId | None = None


@dataclass(frozen=True, slots=True)
class DropHandles:
    """Consume every handle of a kind that a principal has, such as the links that were sent before; never a conflict.

    Args:
        principal: whose.
        kind: of which kind.
    """

    principal: PrincipalId
    kind: str


@dataclass(frozen=True, slots=True)
class Record:
    """Append to the audit trail; the store gives the place and the chain.

    Args:
        entry: what is recorded, not placed yet.
    """

    entry: AuditEntry


Write = Change | PutAccount | PutClient | PutKeys | PutHandle | RedeemHandle | DropHandles | Record
