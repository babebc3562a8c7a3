"""How every error is told over HTTP, and what a route demands."""

from __future__ import annotations

import inspect
import json
import re

import pytest

from tallystick import errors
from tallystick.core.credentials.view import SessionView
from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.revocation.entry import ORIGIN
from tallystick.http import STATUS, check_fresh, check_scopes, response_of, sign_in_url

CLASSES = [
    cls
    for _, cls in inspect.getmembers(errors, inspect.isclass)
    if issubclass(cls, errors.TallystickError) and cls.code
]
EXPECTED = {
    "credential.rejected": 401,
    "credential.missing": 401,
    "credential.malformed": 401,
    "credential.expired": 401,
    "credential.signature_invalid": 401,
    "credential.key_unknown": 401,
    "credential.issuer_mismatch": 401,
    "credential.audience_mismatch": 401,
    "credential.outdated": 401,
    "session.ended": 401,
    "refresh.reused": 401,
    "refresh.wrong_client": 401,
    "authentication.failed": 401,
    "authentication.incomplete": 401,
    "authentication.expired": 401,
    "client.authentication_failed": 401,
    "denied": 403,
    "scope.insufficient": 403,
    "request.cross_site": 403,
    "authentication.too_old": 401,
    "request.invalid": 400,
    "request.too_slow": 408,
    "request.plain_http": 400,
    "backup.refused": 400,
    "request.too_large": 413,
    "request.unsupported_body": 415,
    "request.method_not_allowed": 405,
    "request.unknown_host": 421,
    "not_found": 404,
    "already_exists": 409,
    "link.invalid": 400,
    "account.last_administrator": 409,
    "password.refused": 422,
    "throttled": 429,
    "oauth.invalid_request": 400,
    "oauth.invalid_client": 401,
    "oauth.invalid_grant": 400,
    "oauth.unauthorized_client": 400,
    "oauth.unsupported_grant_type": 400,
    "oauth.invalid_scope": 400,
    "oauth.invalid_target": 400,
    "conflict": 503,
    "unavailable": 503,
    "lease.lapsed": 503,
    "overloaded": 503,
    "misconfigured": 500,
}
CHALLENGE = re.compile(r'(Bearer|Basic) realm="tallystick"(, [a-z_]+="[\x20\x21\x23-\x5B\x5D-\x7E]*")*')


def a_view(**changes: object) -> SessionView:
    """Gives a session of a person who proved themselves at 1000."""
    fields: dict[str, object] = {
        "id": SessionId("s"),
        "principal": PrincipalId("p"),
        "client": ClientId("browser"),
        "scopes": frozenset({"notes:read", "notes:write"}),
        "tal": ORIGIN,
        "credential": "cookie",
        "expires_at": 5000,
        "authenticated_at": 1000,
    }
    return SessionView(**{**fields, **changes})  # type: ignore[arg-type]


def test_every_error_has_its_status() -> None:
    """The table covers the whole tree of errors, and no class is told by accident."""
    assert {cls.code: response_of(cls()).status for cls in CLASSES} == EXPECTED


def test_the_table_has_no_row_that_is_never_used() -> None:
    """Every row of the table is the nearest one of some class."""
    nearest = {next(base for base in cls.__mro__ if base in STATUS) for cls in CLASSES}
    assert nearest == set(STATUS)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_answer_is_complete(cls: type[errors.TallystickError]) -> None:
    """401 carries a challenge, 429 and 503 say when to come back, nothing is stored, and `detail` stays inside."""
    answer = response_of(cls("a detail for the log"))
    assert answer.headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in answer.headers) == (answer.status == 401 or cls is errors.InsufficientScope)
    assert ("Retry-After" in answer.headers) == (answer.status in (429, 503))
    assert "a detail for the log" not in json.dumps([dict(answer.headers), dict(answer.body)])
    assert CHALLENGE.fullmatch(answer.headers.get("WWW-Authenticate", 'Bearer realm="tallystick"'))


def test_the_body_has_code_and_text() -> None:
    """The stable code is `error`; the sentence for people is `message`."""
    answer = response_of(errors.SessionEnded())
    assert answer.body == {"error": "session.ended", "message": "The session has ended. Sign in again."}


def test_an_oauth_error_is_told_as_the_rfc_says() -> None:
    """The token endpoint tells the registered code and a description without quotes or foreign letters."""
    answer = response_of(errors.OAuthInvalidScope(public='The "scope" é is unknown.'))
    assert answer.body == {"error": "invalid_scope", "error_description": "The ?scope? ? is unknown."}
    assert answer.status == 400


def test_a_client_that_fails_to_authenticate_is_challenged_with_basic() -> None:
    """RFC 6749 section 5.2 asks for the scheme that the client may use."""
    assert response_of(errors.OAuthInvalidClient()).headers["WWW-Authenticate"] == 'Basic realm="tallystick"'


def test_a_missing_credential_is_challenged_without_an_error() -> None:
    """RFC 6750 section 3.1: who presented nothing is told nothing but how."""
    for error in (errors.CredentialMissing(), errors.AuthenticationFailed()):
        assert response_of(error).headers["WWW-Authenticate"] == 'Bearer realm="tallystick"'


def test_a_bad_token_is_an_invalid_token() -> None:
    """Every credential that is no good is `invalid_token` in the challenge."""
    assert 'error="invalid_token"' in response_of(errors.CredentialExpired()).headers["WWW-Authenticate"]


def test_a_missing_scope_is_named() -> None:
    """The challenge names the scopes that are needed."""
    challenge = response_of(errors.InsufficientScope(scope="a b")).headers["WWW-Authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert challenge.endswith('scope="a b"')


def test_a_wish_for_a_fresh_authentication_names_the_age() -> None:
    """RFC 9470: the challenge says how old an authentication may be."""
    challenge = response_of(errors.AuthenticationTooOld(max_age_s=600)).headers["WWW-Authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge
    assert challenge.endswith('max_age="600"')


@pytest.mark.parametrize(("wait_s", "header"), [(0.0, "1"), (0.2, "1"), (1.0, "1"), (1.01, "2"), (3600, "3600")])
def test_a_wait_is_told_in_whole_seconds(wait_s: float, header: str) -> None:
    """Retry-After is rounded up and never zero."""
    assert response_of(errors.Throttled(retry_after_s=wait_s)).headers["Retry-After"] == header
    assert response_of(errors.Unavailable(retry_after_s=wait_s)).headers["Retry-After"] == header


def test_a_wrong_method_is_told_the_right_ones() -> None:
    """405 says what is allowed."""
    assert response_of(errors.MethodNotAllowed(allow="GET, POST")).headers["Allow"] == "GET, POST"


@pytest.mark.parametrize("error", [ValueError("secret"), KeyError("secret"), errors.Misconfigured("secret")])
def test_what_is_not_meant_for_clients_is_told_without_words(error: Exception) -> None:
    """A fault of ours is 500 and nothing more."""
    answer = response_of(error)
    assert (answer.status, dict(answer.body)) == (500, {"error": "internal"})


def test_scopes_are_demanded_whole() -> None:
    """All scopes must be there; the error names all that were demanded."""
    check_scopes(a_view(), ())
    check_scopes(a_view(), ("notes:read", "notes:write"))
    with pytest.raises(errors.InsufficientScope) as refused:
        check_scopes(a_view(), ("notes:read", "admin"))
    assert refused.value.scope == "admin notes:read"


def test_freshness_ends_at_the_second() -> None:
    """At exactly the age it is too old."""
    check_fresh(a_view(), 1599, 600)
    with pytest.raises(errors.AuthenticationTooOld) as refused:
        check_fresh(a_view(), 1600, 600)
    assert refused.value.max_age_s == 600


def test_a_service_is_never_fresh() -> None:
    """Nobody proved themselves in a service's session."""
    with pytest.raises(errors.AuthenticationTooOld):
        check_fresh(a_view(authenticated_at=None), 1000, 600)


BROWSER = [(b"host", b"notes.example"), (b"sec-fetch-mode", b"navigate"), (b"accept", b"text/html")]


@pytest.mark.parametrize(
    ("error", "place"),
    [
        (errors.CredentialMissing(), "/auth/sign-in?next=/notes%3Fpage%3D2"),
        (errors.SessionEnded(), "/auth/sign-in?next=/notes%3Fpage%3D2"),
        (errors.AuthenticationTooOld(max_age_s=60), "/auth/step-up?next=/notes%3Fpage%3D2"),
        (errors.InsufficientScope(scope="notes:write"), None),
        (errors.Unavailable(), None),
        (errors.Misconfigured(), None),
    ],
    ids=lambda value: value.code if isinstance(value, errors.TallystickError) else "",
)
def test_who_opens_a_page_is_sent_to_sign_in(error: errors.TallystickError, place: str | None) -> None:
    """A browser without a session goes to sign in and comes back; what signing in does not mend sends nobody there."""
    assert sign_in_url(error, "GET", BROWSER, "https://notes.example/auth", "/notes?page=2") == place


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", BROWSER),
        ("GET", [(b"host", b"notes.example"), (b"accept", b"application/json")]),
        ("GET", [(b"host", b"notes.example")]),
        ("GET", [*BROWSER[:1], (b"sec-fetch-mode", b"cors"), (b"accept", b"text/html")]),
        ("GET", [*BROWSER, (b"authorization", b"Bearer x")]),
    ],
)
def test_nobody_else_is_sent_to_sign_in(method: str, headers: list[tuple[bytes, bytes]]) -> None:
    """A form, a script and a program get their refusal, which they can read, and not a page."""
    assert sign_in_url(errors.CredentialMissing(), method, headers, "https://notes.example/auth", "/notes") is None


def test_a_page_of_another_host_is_not_told_as_the_way_back() -> None:
    """Only a page on the issuer's own host is named to come back to; what it is called cannot leave the query."""
    headers = [(b"host", b"export.example"), (b"accept", b"text/html,*/*")]
    error = errors.CredentialMissing()
    assert (
        sign_in_url(error, "GET", headers, "https://notes.example/auth", "/x") == "https://notes.example/auth/sign-in"
    )
    sent = sign_in_url(error, "GET", BROWSER, "https://notes.example", "/a&next=//evil.example#x\r\ny")
    assert sent == "/sign-in?next=/a%26next%3D//evil.example%23x%0D%0Ay"
