"""What a rule decides: an outcome, changes to commit in one step, what may be delivered after it, events to tell."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tallystick.core.ids import SessionId
from tallystick.core.revocation.entry import Ending
from tallystick.core.secret import Secret
from tallystick.core.session.model import Because, Session


class Outcome(Enum):
    """How a rule answered. The bad ones become errors at the façade, after the commit."""

    OPENED = "opened"
    STEPPED_UP = "stepped up"
    ALLOWED = "allowed"
    ROTATED = "rotated"
    REPEATED = "repeated"
    MINTED = "minted"
    REVOKED = "revoked"
    REUSED = "reused"
    EXPIRED = "expired"
    ENDED = "ended"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Insert a session.

    The store refuses with Conflict, inside the commit, when the row of `raises` has another version or has ended, when
    a durable cut for its principal, its client or everything lies after `session.born`, or (`sole`) when the client
    already has a live service session.

    Args:
        session: the row, version 1.
        raises: the session that it is opened from, as loaded; its version is compared and raised. None if there is none.
        sole: insert only if its client has no live service session.
    """

    session: Session
    raises: Session | None = None
    sole: bool = False


@dataclass(frozen=True, slots=True)
class UpdateSession:
    """Replace a session's row; Conflict if its version is no longer `session.version` or it has ended.

    The store writes `session` with version + 1, and compares the cuts with `session.born` as for an opening: as they
    stood before this commit, so that a cut of the same commit does not count against it, and an earlier one does.

    Args:
        session: the row to be, still carrying the version that was loaded.
        reborn: the row's `born` becomes the position of the last entry of this very commit ("everywhere but here", a
            password change: the session that asked for it is born again).
    """

    session: Session
    reborn: bool = False


@dataclass(frozen=True, slots=True)
class EndSession:
    """End a session and every live session bound to it: one log entry for each. Compares no version; twice is once.

    Args:
        session: which one; a missing row gets a log entry all the same.
        because: why, as the row keeps it.
        offline: also end the sessions that were opened from it but are not bound to it.
        logged: False for an expiry, which needs no entry.
    """

    session: SessionId
    because: Because
    offline: bool = False
    logged: bool = True


@dataclass(frozen=True, slots=True)
class Append:
    """Append an entry, and write the durable cut if its kind is one, in the same step.

    Args:
        ending: what ends; not of kind SESSION, which is EndSession's.
    """

    ending: Ending


Change = OpenSession | UpdateSession | EndSession | Append


@dataclass(frozen=True, slots=True)
class Event:
    """Something that observers are told of, after the commit.

    Args:
        name: a stable dotted name, such as `session.opened`.
        session: which session, if one.
        facts: further words, never a secret.
    """

    name: str
    session: SessionId | None = None
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """What may leave once the commit has returned, and never before.

    Args:
        session: the session as the credentials shall present it.
        cookie: a new session cookie.
        refresh_generation: the generation of the refresh token to hand out, or None.
        refresh_version: the master key version that this generation was made with.
        access: an access token is to be minted.
    """

    session: Session
    cookie: Secret | None = None
    refresh_generation: int | None = None
    refresh_version: int = 0
    access: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """A rule's answer.

    Args:
        outcome: how it answered.
        changes: what to commit, all or nothing, in this order; empty if nothing changes.
        to_deliver: what may leave after the commit.
        events: what observers are told after the commit.
        because: for a refusal, a stable word for the log.
    """

    outcome: Outcome
    changes: tuple[Change, ...] = ()
    to_deliver: Delivery | None = None
    events: tuple[Event, ...] = ()
    because: str = ""
