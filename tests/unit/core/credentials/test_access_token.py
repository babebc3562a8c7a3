"""Access tokens: which claims there are, and how each is checked."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.core.credentials.access_token import TYPE, Expected, check, claims, view_of
from tallystick.core.credentials.view import SessionView
from tallystick.core.ids import ClientId, KeyId, PrincipalId, SessionId
from tallystick.core.keys.jws import Header
from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import Position
from tallystick.errors import AudienceMismatch, CredentialExpired, CredentialMalformed, IssuerMismatch
from tests.unit.core.keys.jose import AUDIENCE, ISSUER, NOW, header, token
from tests.unit.core.keys.jose import claims as good

EXPECTED = Expected(ISSUER, AUDIENCE, leeway=10, longest_lifetime=600, issuer_skew=30)
HEADER = Header("kid-1", TYPE)
SESSION, PRINCIPAL = SessionId.of(bytes(range(16))), PrincipalId.of(bytes(16))
CLIENT = ClientId.of(b"\xff" * 16)
WRITTEN: dict[str, Any] = {
    "issuer": ISSUER,
    "audience": AUDIENCE,
    "principal": PRINCIPAL,
    "client": CLIENT,
    "session": SESSION,
    "tal": Position(1_790_000_000, 42),
    "now": NOW,
    "expires_at": NOW + 600,
    "jti": bytes(16),
}


def test_a_token_says_what_the_standard_requires() -> None:
    """The claims of RFC 9068 section 2.2 are there with the session and its position, and nothing else."""
    assert claims(**WRITTEN) == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": PRINCIPAL,
        "client_id": CLIENT,
        "sid": SESSION,
        "tal": "1790000000.42",
        "iat": NOW,
        "exp": NOW + 600,
        "jti": "AAAAAAAAAAAAAAAAAAAAAA",
    }


def test_a_token_says_more_where_there_is_more_to_say() -> None:
    """Scopes, the authentication and a confirmation key are written when they are known; scopes in order."""
    more = claims(
        **WRITTEN,
        scopes={"notes:write", "notes:read"},
        authenticated_at=NOW - 5,
        acr="high",
        amr=("pwd", "otp"),
        cnf={"jkt": "thumb"},
    )
    assert {name: more[name] for name in ("scope", "auth_time", "acr", "amr", "cnf")} == {
        "scope": "notes:read notes:write",
        "auth_time": NOW - 5,
        "acr": "high",
        "amr": ["pwd", "otp"],
        "cnf": {"jkt": "thumb"},
    }
    check(HEADER, dict(more), EXPECTED, NOW)
    with pytest.raises(ValueError, match="16 bytes"):
        claims(**{**WRITTEN, "jti": bytes(15)})


def test_a_token_is_short() -> None:
    """A token of a person with two scopes stays under 600 bytes, and under 680 with assurance and methods."""
    issuer = "https://auth.example.com/x"
    assert len(issuer) == 26
    head = {**header("ES256"), "kid": "k" * 22}
    person = {
        **WRITTEN,
        "issuer": issuer,
        "audience": issuer,
        "authenticated_at": NOW,
        "tal": Position(1_790_000_000, 10**7),
    }
    plain = claims(**person, scopes=("notes:read", "notes:write"))
    assert len(token("ES256", plain, head)) < 600
    more = claims(**person, scopes=("notes:read", "notes:write"), acr="high", amr=("pwd", "otp"))
    assert 600 < len(token("ES256", more, head)) < 680


def test_a_good_token_passes() -> None:
    """A token for this service and this moment is accepted with either spelling of its type."""
    for typ in ("at+jwt", "application/at+jwt"):
        check(Header("k", typ), good(), EXPECTED, NOW)
    check(
        HEADER,
        good(aud=["https://other.example", AUDIENCE], nbf=NOW, auth_time=0, scope="", acr="", amr=[], cnf={}),
        EXPECTED,
        NOW,
    )
    check(HEADER, good(sid=None, tal=None, anything={"a": [1]}), EXPECTED, NOW)


@pytest.mark.parametrize(
    "typ", [None, "", "JWT", "jwt", "AT+JWT", "at+jwt ", "id_token+jwt", "logout+jwt", "text/at+jwt"]
)
def test_another_kind_of_token_is_refused(typ: str | None) -> None:
    """An ID token or any other signed statement is no access token."""
    with pytest.raises(CredentialMalformed):
        check(Header("k", typ), good(), EXPECTED, NOW)


WRONG: dict[str, tuple[Any, ...]] = {
    "iss": (None, "", 7, [ISSUER], {"a": ISSUER}, True),
    "sub": (None, "", 7, ["ada"], False),
    "client_id": (None, "", 7, ["browser"]),
    "jti": (None, "", 7, {}),
    "exp": (None, True, float(NOW + 60), str(NOW + 60), [NOW + 60], float("inf"), float("nan")),
    "iat": (None, False, float(NOW), str(NOW), {}, 1e9),
    "aud": (None, 7, {AUDIENCE: 1}, [AUDIENCE, 7], [[AUDIENCE]], [None], True),
    "nbf": (True, float(NOW), str(NOW), []),
    "auth_time": (True, float(NOW), str(NOW), []),
    "scope": (7, ["notes:read"], {}),
    "acr": (7, ["high"]),
    "amr": ("pwd", {"pwd": 1}, ["pwd", 7], [["pwd"]]),
    "cnf": ("jkt", [], 7),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_claim_of_the_wrong_type_is_refused(name: str, value: Any) -> None:
    """Each claim has one type: no lists for texts, no truth values, fractions or texts for instants, nothing missing."""
    with pytest.raises(CredentialMalformed):
        check(HEADER, good(**{name: value}), EXPECTED, NOW)


@pytest.mark.parametrize(
    "iss",
    [ISSUER + "/", ISSUER[:-1], ISSUER.upper(), "https://auth.example.com", " " + ISSUER, "h", ISSUER + "\0", "x"],
)
def test_another_issuer_is_refused(iss: str) -> None:
    """The issuer is compared as it is: no prefix, no part, no other case."""
    with pytest.raises(IssuerMismatch):
        check(HEADER, good(iss=iss), EXPECTED, NOW)


@pytest.mark.parametrize(
    "aud", ["", "x", AUDIENCE[:-1], AUDIENCE + "/", AUDIENCE.upper(), [], ["x", "y"], [AUDIENCE + "x"]]
)
def test_a_token_for_another_service_is_refused(aud: Any) -> None:
    """The audience is this service's, alone or as one of a list; never a part of one."""
    with pytest.raises(AudienceMismatch):
        check(HEADER, good(aud=aud), EXPECTED, NOW)


def test_times_are_exact_to_the_second() -> None:
    """Expiry, the longest lifetime and the future begin where the leeway and the issuer's skew say."""
    check(HEADER, good(iat=NOW - 609, exp=NOW - 9), EXPECTED, NOW)
    with pytest.raises(CredentialExpired):
        check(HEADER, good(iat=NOW - 610, exp=NOW - 10), EXPECTED, NOW)
    check(HEADER, good(exp=NOW + 640), EXPECTED, NOW)
    for late in (NOW + 641, 10**30):
        with pytest.raises(CredentialMalformed):
            check(HEADER, good(exp=late), EXPECTED, NOW)
    for name in ("iat", "nbf"):
        check(HEADER, good(**{name: NOW + 40}), EXPECTED, NOW)
        with pytest.raises(CredentialMalformed):
            check(HEADER, good(**{name: NOW + 41}), EXPECTED, NOW)
    with pytest.raises(CredentialExpired):
        check(HEADER, good(exp=NOW), EXPECTED._replace(leeway=0), NOW)
    with pytest.raises(CredentialExpired):
        check(HEADER, good(exp=-5), EXPECTED, NOW)


def test_what_is_demanded_follows_from_the_log_header() -> None:
    """A verifier demands the constants that the whole deployment has agreed on."""
    staleness = Staleness(access_token_lifetime_max=300, leeway=7, issuer_skew=20)
    assert Expected.of(ISSUER, AUDIENCE, staleness) == Expected(ISSUER, AUDIENCE, 7, 300, 20)


def test_a_checked_token_gives_the_session() -> None:
    """A handler sees the session behind a token: its ids, scopes, position and authentication."""
    found = {**claims(**WRITTEN, scopes=("a", "b"), authenticated_at=NOW - 5, acr="high", amr=("pwd",))}
    assert view_of(HEADER, found) == SessionView(
        id=SESSION,
        principal=PRINCIPAL,
        client=CLIENT,
        scopes=frozenset({"a", "b"}),
        tal=Position(1_790_000_000, 42),
        credential="access_token",
        expires_at=NOW + 600,
        authenticated_at=NOW - 5,
        acr="high",
        amr=("pwd",),
        key=KeyId("kid-1"),
    )
    assert view_of(HEADER, found).claims == found


def test_a_service_is_its_own_principal() -> None:
    """A token of a service has the client's name as its subject, and nothing about an authentication."""
    service = ClientId("reports.nightly")
    view = view_of(HEADER, {**claims(**{**WRITTEN, "client": service, "principal": PrincipalId(service)})})
    assert (view.principal, view.client, view.authenticated_at) == (PrincipalId(service), service, None)
    assert type(view.principal) is PrincipalId
    assert (view.scopes, view.acr, view.amr) == (frozenset(), "", ())


@pytest.mark.parametrize(
    "changes",
    [
        {"sid": None}, {"sid": 7}, {"sid": "short"}, {"sid": "0" * 22}, {"tal": None}, {"tal": 7}, {"tal": "1"},
        {"tal": "1.2.3"}, {"tal": "01.2"}, {"tal": "4294967296.1"}, {"sub": "ada"}, {"client_id": "-x"}, {"client_id": "a b"},
    ],
)  # fmt: skip
def test_a_token_without_a_session_shows_none(changes: dict[str, Any]) -> None:
    """A token whose session, position or ids are missing or malformed gives no session."""
    written = {**claims(**WRITTEN), **changes}
    with pytest.raises(CredentialMalformed):
        view_of(HEADER, {name: value for name, value in written.items() if value is not None})


@pytest.mark.parametrize("kid", [None, "", "a b", "k" * 65])
def test_a_token_whose_key_has_no_proper_name_shows_no_session(kid: str | None) -> None:
    """Without a key's name nobody could revoke that key, so such a token gives no session."""
    with pytest.raises(CredentialMalformed):
        view_of(Header(kid, TYPE), {**claims(**WRITTEN)})
