"""SessionView: all that a good credential tells about its session, whichever credential arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tallystick.core.ids import ClientId, KeyId, PrincipalId, SessionId
from tallystick.core.revocation.entry import Position
from tallystick.core.secret import Digest

CredentialKind = Literal["cookie", "access_token"]


@dataclass(frozen=True, slots=True)
class SessionView:
    """The session behind a credential, as a handler receives it.

    Args:
        id: the session; never a credential.
        principal: who is authenticated.
        client: the client that the session belongs to; `browser` for a cookie.
        scopes: what the credential may do: granted scopes that the account still has; for a cookie, all of its permissions.
        tal: the log position before which everything was reflected when the credential was minted or read.
        credential: which kind was presented.
        expires_at: instant at which the credential itself ends.
        authenticated_at: instant of the last authentication it stands for, or None for a service.
        acr: the assurance of that authentication, or the empty text.
        amr: its methods (RFC 8176 names).
        key: the key that signed an access token; None for a cookie.
        csrf: digest-bound token that the holder of a cookie sends as `X-CSRF-Token`; None for an access token.
        claims: all claims of an access token; empty for a cookie.
    """

    id: SessionId
    principal: PrincipalId
    client: ClientId
    scopes: frozenset[str]
    tal: Position
    credential: CredentialKind
    expires_at: int
    authenticated_at: int | None = None
    acr: str = ""
    amr: tuple[str, ...] = ()
    key: KeyId | None = None
    csrf: str | None = field(default=None, repr=False)
    claims: dict[str, object] = field(default_factory=dict, repr=False, compare=False, hash=False)


@dataclass(frozen=True, slots=True)
class CookieFill:
    """What the authority's store says of one cookie digest, for a near-cache.

    Args:
        read_at: the log position read before any row; also the view's `tal`.
        good_until: instant (store time) until which the view may be used without another look.
        view: the session's view (without `csrf`); None when no live session has that cookie.
        because: when view is None: `missing`, `ended` or `expired`.
    """

    read_at: Position
    good_until: int
    view: SessionView | None
    because: str = ""


class CookieResolver(Protocol):
    """Answers what cookie digests stand for; synchronous, safe from any thread, may raise Unavailable."""

    def resolve(self, digests: Sequence[Digest]) -> Sequence[CookieFill]:
        """Gives one fill for each digest, in the order given, all read in one step."""
