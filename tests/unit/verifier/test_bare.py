"""The bare check: a token, a key set, an issuer, an audience."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tallystick.errors import (
    AudienceMismatch,
    CredentialExpired,
    CredentialMalformed,
    IssuerMismatch,
    KeyUnknown,
    Rejected,
    SignatureInvalid,
)
from tallystick.verifier.bare import verify_access_token
from tests.unit.core.keys.jose import ALGORITHMS, AUDIENCE, ISSUER, NOW, PUBLIC, claims, header, jwk, jwks, token


def verify(presented: Any, keys: Any, **changes: Any) -> dict[str, Any]:
    """Verifies with the usual issuer, audience and instant."""
    return verify_access_token(presented, keys, **{"issuer": ISSUER, "audience": AUDIENCE, "now": NOW, **changes})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_good_token_gives_its_claims(algorithm: str) -> None:
    """A token of each algorithm gives all its claims as they are, session and position among them."""
    assert verify(token(algorithm, claims(extra=[1, {"a": None}])), jwks(jwk(algorithm))) == claims(
        extra=[1, {"a": None}]
    )


def test_a_foreign_token_needs_no_session() -> None:
    """A token of another RFC 9068 issuer, without session and position, is good; what it says there is passed on."""
    assert verify(token("ES256", claims(sid=None, tal=None)), jwks(jwk("ES256")))
    assert verify(token("ES256", claims(sid=7, tal=[])), jwks(jwk("ES256")))["sid"] == 7


def test_without_an_instant_the_wall_clock_counts() -> None:
    """Left alone, the check takes the present moment."""
    now = int(time.time())
    fresh = token("ES256", claims(iat=now, exp=now + 60))
    assert verify(fresh, jwks(jwk("ES256")), now=None)["exp"] == now + 60
    with pytest.raises(CredentialExpired):
        verify(token("ES256", claims(iat=1000, exp=2000)), jwks(jwk("ES256")), now=None)


def test_the_leeway_and_the_longest_lifetime_can_be_chosen() -> None:
    """A stricter or laxer leeway and another longest lifetime count from the next call on."""
    keys = jwks(jwk("ES256"))
    late = token("ES256", claims(exp=NOW - 5))
    assert verify(late, keys)
    with pytest.raises(CredentialExpired):
        verify(late, keys, leeway=0)
    long = token("ES256", claims(exp=NOW + 3600))
    assert verify(long, keys)
    with pytest.raises(CredentialMalformed):
        verify(long, keys, longest_lifetime=600)
    with pytest.raises(CredentialMalformed):
        verify(token("ES256", claims(exp=NOW + 3600 + 41)), keys)


REFUSED: dict[str, tuple[type[Rejected], Any, Any, dict[str, Any]]] = {
    "no text": (CredentialMalformed, None, jwks(jwk("ES256")), {}),
    "bytes": (CredentialMalformed, token("ES256", claims()).encode(), jwks(jwk("ES256")), {}),
    "an ID token": (CredentialMalformed, token("ES256", claims(), header("ES256", typ="JWT")), jwks(jwk("ES256")), {}),
    "no type": (CredentialMalformed, token("ES256", claims(), header("ES256", typ=None)), jwks(jwk("ES256")), {}),
    "a list": (CredentialMalformed, token("ES256", [claims()]), jwks(jwk("ES256")), {}),
    "no expiry": (CredentialMalformed, token("ES256", claims(exp=None)), jwks(jwk("ES256")), {}),
    "expired": (CredentialExpired, token("ES256", claims(exp=NOW - 10)), jwks(jwk("ES256")), {}),
    "another issuer": (
        IssuerMismatch,
        token("ES256", claims()),
        jwks(jwk("ES256")),
        {"issuer": "https://auth.example.com"},
    ),
    "an issuer that is none": (IssuerMismatch, token("ES256", claims()), jwks(jwk("ES256")), {"issuer": None}),
    "an audience that is none": (AudienceMismatch, token("ES256", claims()), jwks(jwk("ES256")), {"audience": None}),
    "another audience": (AudienceMismatch, token("ES256", claims(aud=[])), jwks(jwk("ES256")), {}),
    "another key": (KeyUnknown, token("ES256", claims()), jwks(jwk("RS256")), {}),
    "an empty set": (KeyUnknown, token("ES256", claims()), jwks(), {}),
    "no set": (KeyUnknown, token("ES256", claims()), None, {}),
    "a set of text": (KeyUnknown, token("ES256", claims()), "{}", {}),
    "another signature": (SignatureInvalid, token("ES256", claims())[:-86] + "A" * 86, jwks(jwk("ES256")), {}),
    "an algorithm not allowed": (
        SignatureInvalid,
        token("ES256", claims()),
        jwks(jwk("ES256")),
        {"algorithms": ["RS256"]},
    ),
    "a published secret": (KeyUnknown, token("HS256", claims()), jwks(jwk("HS256"), jwk("ES256")), {}),
    "a secret that is not allowed": (KeyUnknown, token("HS256", claims()), jwks(jwk("HS256")), {"algorithms": PUBLIC}),
}


@pytest.mark.parametrize(("error", "presented", "keys", "changes"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_token_is_rejected(error: type[Rejected], presented: Any, keys: Any, changes: dict[str, Any]) -> None:
    """Every refusal is a Rejected with a code of its own, whatever was wrong."""
    with pytest.raises(error) as caught:
        verify(presented, keys, **changes)
    assert type(caught.value) is error


def test_a_key_set_that_changed_counts_at_once() -> None:
    """A key that is taken out of the dict in place verifies nothing any more, and one that is put in does."""
    keys = jwks(jwk("ES256"))
    assert verify(token("ES256", claims()), keys)
    keys["keys"][0] = jwk("RS256")
    with pytest.raises(KeyUnknown):
        verify(token("ES256", claims()), keys)
    assert verify(token("RS256", claims()), keys)
