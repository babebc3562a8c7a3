"""What reads and commits give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tallystick.core.ids import SessionId
from tallystick.core.revocation.entry import ORIGIN, Position, Revocation
from tallystick.core.session.model import Session
from tallystick.identity.account import Account
from tallystick.oauth.client import Client


@dataclass(frozen=True, slots=True)
class Cuts:
    """The newest durable cut for each thing that a session depends on; ORIGIN where there is none.

    Args:
        principal: of its principal.
        client: of its client.
        everything: of all sessions.
    """

    principal: Position = ORIGIN
    client: Position = ORIGIN
    everything: Position = ORIGIN

    @property
    def newest(self) -> Position:
        """What a session must be born at or after."""
        return max(self.principal, self.client, self.everything)


@dataclass(frozen=True, slots=True)
class Facts:
    """What one read gave: the position first, the rows next, the cuts last (one snapshot where the store has one).

    Args:
        position: the head of the log before any row was read.
        session: the session asked for, if there is one.
        opener: the session that it was opened from, if there is one.
        account: the account asked for, or the session's.
        client: the client asked for, or the session's.
        cuts: the cuts that concern the session's (else the account's, else the client's) principal and client.
    """

    position: Position
    session: Session | None = None
    opener: Session | None = None
    account: Account | None = None
    client: Client | None = None
    cuts: Cuts = field(default_factory=Cuts)


class Registered(NamedTuple):
    """A verifier's row in the registry, as it was read.

    Args:
        name: the verifier; random for each start of its process.
        times: how often it has registered; grows when one that was doubted registers again.
        doubted: it must register again before its next lease.
        acked: the position that it has acked.
    """

    name: str
    times: int
    doubted: bool
    acked: Position


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit gave.

    Args:
        position: the last entry that it appended, or the head of the log if it appended none. When it only ended what
            had ended before, the position of that ending.
        revocations: the entries that it appended, in order.
        sessions: the rows it wrote as they are now (opened and updated ones, not the ended ones), by id.
    """

    position: Position
    revocations: tuple[Revocation, ...] = ()
    sessions: Mapping[SessionId, Session] = field(default_factory=dict)
