"""Which requests may come from another site."""

from __future__ import annotations

import pytest

from tallystick.core.credentials.cookie import csrf_token_of
from tallystick.errors import CrossSite
from tallystick.http import Decision, Presented, guard, same_origin

OURS = "https://notes.example"
FRIEND = "https://app.example"
COOKIE = Presented("cookie", "tsc_" + "a" * 43)
UNSAFE = ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "post", "WHATEVER"]


def headers(site: str | None = None, origin: str | None = None, token: str | None = None) -> list[tuple[bytes, bytes]]:
    """Gives headers as ASGI has them."""
    named = ((b"sec-fetch-site", site), (b"origin", origin), (b"x-csrf-token", token))
    return [(b"host", b"notes.example"), *((name, value.encode()) for name, value in named if value is not None)]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_is_allowed_from_anywhere(method: str) -> None:
    """A safe method changes nothing, so it needs no proof."""
    assert same_origin(method, headers("cross-site", "https://evil.example"), OURS) is Decision.ALLOWED
    guard(method, headers("cross-site", "https://evil.example"), COOKIE, OURS)


@pytest.mark.parametrize("method", UNSAFE)
def test_every_other_method_needs_a_proof(method: str) -> None:
    """Whatever is not known to be safe is treated as a change."""
    assert same_origin(method, headers("cross-site"), OURS) is Decision.REFUSED
    with pytest.raises(CrossSite):
        guard(method, headers("cross-site"), COOKIE, OURS)


@pytest.mark.parametrize(
    ("site", "origin", "decision"),
    [
        ("same-origin", None, Decision.ALLOWED),
        ("same-origin", OURS, Decision.ALLOWED),
        ("none", None, Decision.ALLOWED),
        ("same-site", None, Decision.REFUSED),
        ("same-site", "https://other.notes.example", Decision.REFUSED),
        ("cross-site", None, Decision.REFUSED),
        ("cross-site", FRIEND, Decision.ALLOWED),
        ("same-site", FRIEND, Decision.ALLOWED),
        ("cross-site", "https://evil.example", Decision.REFUSED),
        ("cross-site", "null", Decision.REFUSED),
        ("", None, Decision.REFUSED),
        ("Same-Origin", None, Decision.REFUSED),
        ("same-origin, cross-site", None, Decision.REFUSED),
        (None, OURS, Decision.ALLOWED),
        (None, FRIEND, Decision.ALLOWED),
        (None, "null", Decision.REFUSED),
        (None, "", Decision.REFUSED),
        (None, "http://notes.example", Decision.REFUSED),
        (None, "https://notes.example:8443", Decision.REFUSED),
        (None, "https://notes.example.evil.example", Decision.REFUSED),
        (None, "https://NOTES.example", Decision.REFUSED),
        (None, "https://notes.example/", Decision.REFUSED),
        (None, None, Decision.UNDECIDED),
    ],
)
def test_fetch_metadata_decides_then_origin(site: str | None, origin: str | None, decision: Decision) -> None:
    """Fetch Metadata is asked first, then Origin; with neither, the headers cannot tell."""
    assert same_origin("POST", headers(site, origin), OURS, {FRIEND}) is decision


def test_a_header_that_came_twice_is_no_proof() -> None:
    """Two values are refused, even if both are good."""
    twice = [(b"sec-fetch-site", b"same-origin")] * 2
    assert same_origin("POST", twice, OURS) is Decision.REFUSED
    assert same_origin("POST", [(b"origin", OURS.encode())] * 2, OURS) is Decision.REFUSED


def test_without_trusted_origins_only_our_own_counts() -> None:
    """Nobody is trusted who was not named."""
    assert same_origin("POST", headers(None, FRIEND), OURS) is Decision.REFUSED


def test_a_bearer_and_no_credential_need_no_proof() -> None:
    """Another site's page cannot add a bearer, and without a credential there is nothing to misuse."""
    guard("POST", headers("cross-site"), Presented("bearer", "abc"), OURS)
    guard("POST", headers("cross-site"), None, OURS)


def test_an_old_client_proves_itself_with_the_sessions_token() -> None:
    """With neither Fetch Metadata nor Origin, X-CSRF-Token must be the one of this very session."""
    guard("DELETE", headers(token=csrf_token_of(COOKIE.value)), COOKIE, OURS)


@pytest.mark.parametrize(("site", "origin"), [("same-origin", OURS), (None, OURS), ("cross-site", FRIEND)])
def test_our_own_pages_need_no_token(site: str | None, origin: str) -> None:
    """A browser that says where the request comes from needs nothing else."""
    guard("POST", headers(site, origin), COOKIE, OURS, {FRIEND})


@pytest.mark.parametrize("token", [None, "", "x", csrf_token_of("tsc_" + "b" * 43), "é"])
def test_a_missing_or_foreign_token_is_refused(token: str | None) -> None:
    """No token, a wrong one, or another session's: 403."""
    with pytest.raises(CrossSite):
        guard("DELETE", headers(token=token), COOKIE, OURS)


def test_two_tokens_are_refused() -> None:
    """The right token twice is not the right token."""
    right = (b"x-csrf-token", csrf_token_of(COOKIE.value).encode())
    with pytest.raises(CrossSite):
        guard("DELETE", [right, right], COOKIE, OURS)


def test_the_token_does_not_overrule_the_browser() -> None:
    """When the browser says that another site sent it, no token helps."""
    with pytest.raises(CrossSite):
        guard("POST", headers("cross-site", token=csrf_token_of(COOKIE.value)), COOKIE, OURS)


def test_headers_may_be_given_once_only() -> None:
    """A generator of headers is read once and still decides right."""
    guard("POST", (pair for pair in headers(token=csrf_token_of(COOKIE.value))), COOKIE, OURS)
