"""An OAuth client: its stored record, and the rules it keeps from birth."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args
from unicodedata import category, normalize

from tallystick.core.ids import ClientId, PrincipalId
from tallystick.core.secret import Digest
from tallystick.errors import InvalidRequest
from tallystick.oauth.uris import why_not_audience, why_not_redirect

ClientKind = Literal["web", "spa", "native", "service", "device"]
CLIENT_KINDS: tuple[str, ...] = get_args(ClientKind)
CONFIDENTIAL_KINDS = frozenset({"web", "service"})
"""Kinds that can keep a secret (RFC 6749 section 2.1)."""
NAME_LENGTH_MAX = 100
URIS_MAX = 20
AUDIENCES_MAX = 50
SCOPES_MAX = 100
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,128}")
"""A scope token (RFC 6749 section 3.3)."""
_REDIRECTING_KINDS = frozenset({"web", "spa", "native"})


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


def new_client(
    id: ClientId,  # noqa: A002  (the field's name)
    name: str,
    *,
    kind: str,
    first_party: bool = False,
    redirect_uris: Sequence[str] = (),
    post_logout_redirect_uris: Sequence[str] = (),
    audiences: Sequence[str] = (),
    scopes: Sequence[str] = (),
    now: int,
) -> Client:
    """Makes a client that keeps every rule; no other way leads to a stored one.

    Args:
        id: 128 random bits in their text form, so that no client has the name of an account (RFC 9700 section 4.15).
        name: for people, 1 to 100 characters that can be seen.
        kind: one of CLIENT_KINDS.
        first_party: whether it is ours.
        redirect_uris: at most 20; https, for a native client also the loopback address or a scheme of its own.
        post_logout_redirect_uris: the same rules.
        audiences: at most 50; https, or http on the loopback address.
        scopes: at most 100 scope tokens.
        now: the instant.

    Returns:
        The client, enabled, version 0, without secrets.

    Raises:
        InvalidRequest: a field breaks a rule; `public` begins with its name.
    """
    if kind not in CLIENT_KINDS:
        raise _refused("kind", f"must be one of {', '.join(CLIENT_KINDS)}")
    name = normalize("NFC", name.strip(" "))
    if not 0 < len(name) <= NAME_LENGTH_MAX or any(
        category(sign)[0] == "C" or category(sign) in ("Zl", "Zp") for sign in name
    ):
        raise _refused("name", f"must have 1 to {NAME_LENGTH_MAX} characters, all of which can be seen")
    if kind not in _REDIRECTING_KINDS and (redirect_uris or post_logout_redirect_uris):
        field = "redirect_uris" if redirect_uris else "post_logout_redirect_uris"
        raise _refused(field, f"must be empty: nobody is redirected to a client of kind {kind}")
    native = kind == "native"
    for field, uris in (("redirect_uris", redirect_uris), ("post_logout_redirect_uris", post_logout_redirect_uris)):
        _demand(field, uris, URIS_MAX, lambda uri: why_not_redirect(uri, native=native))
    _demand("audiences", audiences, AUDIENCES_MAX, why_not_audience)
    _demand("scopes", scopes, SCOPES_MAX, _why_not_scope)
    return Client(
        id=id,
        version=0,
        name=name,
        kind=cast("ClientKind", kind),
        first_party=first_party,
        enabled=True,
        secrets=(),
        redirect_uris=tuple(redirect_uris),
        post_logout_redirect_uris=tuple(post_logout_redirect_uris),
        scopes=frozenset(scopes),
        audiences=tuple(audiences),
        created_at=now,
    )


def _demand(field: str, values: Sequence[str], most: int, why_not: Callable[[str], str | None]) -> None:
    if isinstance(values, str) or len(values) > most:
        raise _refused(field, f"must be a list of at most {most}")
    if len(set(values)) != len(values):
        raise _refused(field, "must not name anything twice")
    for value in values:
        if reason := why_not(value):
            raise _refused(field, reason)


def _why_not_scope(text: str) -> str | None:
    return None if _SCOPE.fullmatch(text) else 'must be scope tokens: visible ASCII without " and \\, at most 128 long'


def _refused(field: str, reason: str) -> InvalidRequest:
    return InvalidRequest(f"client: {field} {reason}", public=f"{field} {reason}.")
