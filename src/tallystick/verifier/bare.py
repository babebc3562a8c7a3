"""The bare check of an access token against a JWKS dict: no feed, so no endings; only signature, claims and times."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

from tallystick.core.credentials.access_token import ISSUER_SKEW, check
from tallystick.core.keys.jws import LastKeySet
from tallystick.core.policy import hours

_last = LastKeySet()


def verify_access_token(
    token: str,
    jwks: dict[str, Any],
    *,
    issuer: str,
    audience: str,
    now: int | None = None,
    leeway: int = 10,
    longest_lifetime: int = hours(1),
    algorithms: Collection[str] | None = None,
) -> dict[str, Any]:
    """Verifies an access token (RFC 9068) and gives its claims as they are, `sid` and `tal` among them if it has them.

    It knows nothing of endings: a token of a session that has ended is good until it expires. `Verifier` knows.

    Args:
        token: the compact form, at most 16 KiB.
        jwks: the issuer's key set as a dict. The parse of the last one is kept and found again by equality, so pass the
            same content, and the set is parsed once. Symmetric keys count only in a set that holds nothing else: such a
            set was handed over within a trust domain, since nobody may publish it.
        issuer: the issuer, compared as it is.
        audience: this service's audience; `aud` must be or contain it.
        now: the instant of the check, whole seconds since 1970; the wall clock if None.
        leeway: how much two wall clocks may differ, seconds (0 to 30).
        longest_lifetime: an `exp` that lies further ahead (plus leeway and 30 s for the issuer's clock) is refused.
        algorithms: what may be used, if it shall be less than what the set allows.

    Raises:
        CredentialMalformed: it is no text, no compact JWS or no access token, or breaks a rule of the form.
        KeyUnknown: the key set has no key for it, or is none.
        SignatureInvalid: the algorithm is not the key's, or the signature does not match.
        IssuerMismatch: another issuer.
        AudienceMismatch: it is for another service.
        CredentialExpired: its time is over.
    """
    names = None if algorithms is None else tuple(algorithms)
    header, claims = _last.reader(jwks, names).read(token)
    expected = issuer, audience, leeway, longest_lifetime, ISSUER_SKEW
    check(header, claims, expected, int(time.time()) if now is None else now)
    return claims
