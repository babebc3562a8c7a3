"""Access tokens: the JWT profile of RFC 9068, which claims there are and how each is checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from tallystick.core.credentials.view import SessionView
from tallystick.core.ids import ClientId, KeyId, PrincipalId, SessionId
from tallystick.core.keys.encoding import encode
from tallystick.core.keys.jws import Header
from tallystick.core.policy import Staleness, hours
from tallystick.core.revocation.entry import Position
from tallystick.errors import AudienceMismatch, CredentialExpired, CredentialMalformed, IssuerMismatch

TYPE = "at+jwt"
_TYPES = (TYPE, "application/at+jwt")
JTI_BYTES = 16
ISSUER_SKEW = 30
"""How far an issuer's clock may be off, seconds, where the log header does not say."""


class Expected(NamedTuple):
    """What a verifier demands of an access token.

    Args:
        issuer: the one issuer, compared as it is.
        audience: the service's own audience.
        leeway: how much two wall clocks may differ, seconds (0 to 30).
        longest_lifetime: the longest lifetime that an issuer may give, seconds.
        issuer_skew: how far an issuer's clock may be off before it refuses to mint, seconds.
    """

    issuer: str
    audience: str
    leeway: int = 10
    longest_lifetime: int = hours(1)
    issuer_skew: int = ISSUER_SKEW

    @classmethod
    def of(cls, issuer: str, audience: str, staleness: Staleness) -> Expected:
        """Gives what the constants of the log header demand."""
        lifetime, skew = staleness.access_token_lifetime_max, staleness.issuer_skew
        return cls(issuer, audience, staleness.leeway, lifetime, skew)


def claims(
    *,
    issuer: str,
    audience: str,
    principal: PrincipalId,
    client: ClientId,
    session: SessionId,
    tal: Position,
    now: int,
    expires_at: int,
    jti: bytes,
    scopes: Collection[str] = (),
    authenticated_at: int | None = None,
    acr: str = "",
    amr: Sequence[str] = (),
    cnf: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Gives the claims of a new access token, in the order in which they are written (RFC 9068 section 2.2).

    Args:
        issuer: the authority's URL.
        audience: the registered audience that it is for.
        principal: `sub`.
        client: the client it is issued to.
        session: `sid`, the session that it presents.
        tal: the log position read before anything else was read for this token.
        now: `iat`.
        expires_at: `exp`, an instant after `now`.
        jti: 16 random bytes.
        scopes: what it may do; left out when empty.
        authenticated_at: `auth_time`; None for a service.
        acr: assurance of the authentication; left out when empty.
        amr: its methods; left out when empty.
        cnf: the key that its holder must prove (RFC 7800); left out when None.
    """
    if len(jti) != JTI_BYTES:
        raise ValueError(f"a jti is made of {JTI_BYTES} bytes, not {len(jti)}")
    optional = {
        "scope": " ".join(sorted(scopes)) or None,
        "auth_time": authenticated_at,
        "acr": acr or None,
        "amr": list(amr) or None,
        "cnf": dict(cnf) if cnf is not None else None,
    }
    return {
        "iss": issuer,
        "aud": audience,
        "sub": str(principal),
        "client_id": str(client),
        "sid": str(session),
        "tal": tal.text(),
        "iat": now,
        "exp": expires_at,
        "jti": encode(jti),
        **{name: value for name, value in optional.items() if value is not None},
    }


Demands = tuple[str, str, int, int, int]
"""An `Expected`, or the same five values in a plain tuple."""
_required = itemgetter("iss", "sub", "client_id", "jti", "exp", "iat", "aud")
_OPTIONAL = {"nbf": int, "auth_time": int, "scope": str, "acr": str, "cnf": dict}


def check(header: Header, found: dict[str, Any], expected: Demands, now: int) -> None:
    """Checks what a signature covers: types first, then equality, then times (RFC 9068 section 4).

    Args:
        header: the header of a verified token.
        found: its claims.
        expected: what is demanded, in the order of `Expected`.
        now: the instant of the check.

    Raises:
        CredentialMalformed: no access token, a claim missing or of the wrong type, a time that cannot be.
        IssuerMismatch: another issuer.
        AudienceMismatch: for another service.
        CredentialExpired: its time is over.
    """
    if header.typ not in _TYPES:
        raise CredentialMalformed("the header's typ is not at+jwt")
    try:
        iss, sub, client, jti, exp, iat, aud = _required(found)
    except KeyError as error:
        raise CredentialMalformed(f"the claim {error.args[0]} is missing") from None
    if not (type(iss) is type(sub) is type(client) is type(jti) is str and iss and sub and client and jti):
        raise CredentialMalformed("iss, sub, client_id or jti is empty or no text")
    # RFC 7519 section 2 allows fractions in times; nobody needs them, and a bool, a text or 1e3 is no instant.
    if not type(exp) is type(iat) is int:
        raise CredentialMalformed("exp or iat is no whole number")
    _check_optional(found)
    issuer, audience, leeway, longest_lifetime, issuer_skew = expected
    if iss != issuer:
        raise IssuerMismatch("another issuer")
    if aud != audience if type(aud) is str else not _among(audience, aud):
        raise AudienceMismatch("another audience")
    # RFC 7519 section 4.1.4: the current time is before exp; a small leeway for clocks that differ.
    if now >= exp + leeway:
        raise CredentialExpired("its time is over")
    ahead = now + leeway + issuer_skew
    if exp > ahead + longest_lifetime:
        raise CredentialMalformed("it would live longer than any token may")
    if iat > ahead or found.get("nbf", iat) > ahead:
        raise CredentialMalformed("it was issued in the future")


def _check_optional(found: dict[str, Any]) -> None:
    for name in _OPTIONAL:
        if name in found and type(found[name]) is not _OPTIONAL[name]:
            raise CredentialMalformed(f"the claim {name} is of the wrong type")
    if "amr" in found and not _texts(found["amr"]):
        raise CredentialMalformed("the claim amr is no list of texts")


def _texts(value: Any) -> bool:
    return type(value) is list and all(type(text) is str for text in value)


def _among(audience: str, aud: Any) -> bool:
    if not _texts(aud):
        raise CredentialMalformed("aud is neither a text nor a list of texts")
    return audience in aud


def view_of(header: Header, found: dict[str, Any]) -> SessionView:
    """Gives the session behind a checked access token; demands `sid` and `tal`, which only tallystick's own tokens have.

    Raises:
        CredentialMalformed: an id or the position is missing or malformed.
    """
    session, tal = found.get("sid"), found.get("tal")
    if type(session) is not str or type(tal) is not str or header.kid is None:
        raise CredentialMalformed("sid, tal or kid is missing or no text")
    sid, client = SessionId.parse(session), ClientId.parse(found["client_id"])
    # A service is its own principal, under its client's name (RFC 9068 section 2.2).
    principal = client if found["sub"] == client else PrincipalId.parse(found["sub"])
    key, position = KeyId.parse(header.kid), Position.parse(tal)
    if sid is None or principal is None or client is None or key is None or position is None:
        raise CredentialMalformed("an id or a position that is none")
    return SessionView(
        id=sid,
        principal=PrincipalId(principal),
        client=client,
        scopes=frozenset(found.get("scope", "").split()),
        tal=position,
        credential="access_token",
        expires_at=found["exp"],
        authenticated_at=found.get("auth_time"),
        acr=found.get("acr", ""),
        amr=tuple(found.get("amr", ())),
        key=key,
        claims=found,
    )
