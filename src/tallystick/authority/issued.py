"""What the use cases hand out, after the commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tallystick.core.credentials.view import SessionView
from tallystick.core.ids import SessionId
from tallystick.core.revocation.entry import Position
from tallystick.core.secret import Secret
from tallystick.identity.account import Account

Strength = Literal["logged", "everywhere"]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser's session with its new cookie.

    Args:
        view: the session as a handler would receive it.
        account: whose it is.
        cookie: the value of the new cookie.
        csrf: what pages send as `X-CSRF-Token`.
        max_age: seconds for which the browser shall keep the cookie; None until it is closed.
    """

    view: SessionView
    account: Account
    cookie: Secret
    csrf: Secret
    max_age: int | None


@dataclass(frozen=True, slots=True)
class Tokens:
    """The credentials of an app or a service.

    Args:
        access_token: an `at+jwt` (RFC 9068).
        expires_in: its lifetime in seconds.
        scope: what it may do.
        refresh_token: the refresh token, or None where there is none.
        session: the session behind both.
    """

    access_token: Secret
    expires_in: int
    scope: frozenset[str]
    refresh_token: Secret | None
    session: SessionId


@dataclass(frozen=True, slots=True)
class Revoked:
    """What is known when an ending has been appended.

    Args:
        position: its place in the log.
        effective_at: from this instant of the caller's boot clock on, nobody accepts what it covers.
        strength: `logged` or `everywhere`.
        acked: verifier → seconds after the append at which it had applied the entry; empty for `logged`.
        missing: verifiers that did not ack; the bound was waited for instead.
        waited_s: how long the call waited for acks.
        guarantee: what the store promises across a failover.
    """

    position: Position
    effective_at: float
    strength: Strength
    acked: Mapping[str, float]
    missing: tuple[str, ...]
    waited_s: float
    guarantee: str
