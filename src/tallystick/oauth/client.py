"""The stored record of an OAuth client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from tallystick.core.ids import ClientId, PrincipalId
from tallystick.core.secret import Digest

ClientKind = Literal["web", "spa", "native", "service", "device"]
CLIENT_KINDS: tuple[str, ...] = get_args(ClientKind)
CONFIDENTIAL_KINDS = frozenset({"web", "service"})
"""Kinds that can keep a secret (RFC 6749 section 2.1)."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client's row.

    Args:
        id: its name on the wire.
        version: raised by every commit; a commit compares it. 0 for one that is not stored yet.
        name: for people, at most 100 characters.
        kind: what sort of program it is.
        first_party: ours: may take tokens from `POST /session` (a native one) and needs no consent.
        enabled: False after it was disabled.
        secrets: SHA-256 of its live secrets, at most two during a change; empty for a public client.
        redirect_uris: where an authorization response may go, compared as exact strings.
        post_logout_redirect_uris: where a sign-out may lead, compared as exact strings.
        scopes: the most that it may be granted.
        audiences: the resources that its tokens may be meant for, besides the issuer.
        created_at: instant of its creation.
    """

    id: ClientId
    version: int
    name: str
    kind: ClientKind
    first_party: bool
    enabled: bool
    secrets: tuple[Digest, ...]
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    scopes: frozenset[str]
    audiences: tuple[str, ...]
    created_at: int

    @property
    def confidential(self) -> bool:
        """Whether it authenticates with a secret."""
        return self.kind in CONFIDENTIAL_KINDS

    @property
    def principal(self) -> PrincipalId:
        """Who it is when it acts for itself (client_credentials): client ids and account ids are both 128 random bits."""
        return PrincipalId(self.id)
