"""Which credential a request carries, and how the session cookie is written."""

from __future__ import annotations

import pytest

from tallystick.errors import CredentialMalformed
from tallystick.http import COOKIE_NAME, Presented, cookie_name_of, origin_of, presented, set_cookie

COOKIE = "tsc_" + "a" * 43


def headers(*pairs: tuple[str, str]) -> list[tuple[bytes, bytes]]:
    """Gives headers as ASGI has them."""
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs]


def test_a_request_without_credentials_presents_none() -> None:
    """No Authorization and no Cookie means that nothing is presented."""
    assert presented(headers(("Host", "a"), ("Accept", "*/*"))) is None


@pytest.mark.parametrize("text", ["Bearer a.b-c_d~e+f/g==", "bearer x", "BEARER    x", "Bearer 0"])
def test_a_bearer_is_read(text: str) -> None:
    """The scheme may be written in any case and be followed by several spaces."""
    assert presented(headers(("Authorization", text))) == Presented("bearer", text.split()[1])


@pytest.mark.parametrize(
    "text",
    ["Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "Bearer =a", "Bearer a=b", "Bearer é", 'Bearer "a"', "Bearer a "],
)
def test_a_bearer_that_is_no_token68_is_malformed(text: str) -> None:
    """What RFC 6750 does not allow behind `Bearer` is refused before anything is decoded."""
    with pytest.raises(CredentialMalformed):
        presented(headers(("Authorization", text)))


@pytest.mark.parametrize("text", ["Basic YTpi", "BearerX abc", "Bearer\tabc", "Negotiate x", "", "DPoP abc"])
def test_another_scheme_is_not_ours(text: str) -> None:
    """A scheme that is not ours is no error: there may be a cookie beside it."""
    assert presented(headers(("Authorization", text))) is None
    found = presented(headers(("Authorization", text), ("Cookie", f"{COOKIE_NAME}={COOKIE}")))
    assert found == Presented("cookie", COOKIE)


def test_two_authorization_headers_are_malformed() -> None:
    """Two Authorization headers are refused, even if they say the same."""
    with pytest.raises(CredentialMalformed):
        presented(headers(("Authorization", "Bearer a"), ("Authorization", "Bearer a")))


def test_a_bearer_decides_over_a_cookie() -> None:
    """A program sends a bearer on purpose; a browser adds its cookies by itself."""
    found = presented(headers(("Cookie", f"{COOKIE_NAME}={COOKIE}"), ("Authorization", "Bearer abc")))
    assert found == Presented("bearer", "abc")


@pytest.mark.parametrize(
    "line", [f"{COOKIE_NAME}={COOKIE}", f"a=b; {COOKIE_NAME}={COOKIE}; c=d", f"x;{COOKIE_NAME}={COOKIE} ;"]
)
def test_the_session_cookie_is_found_among_others(line: str) -> None:
    """Other cookies around the session's do not matter."""
    assert presented(headers(("Cookie", line))) == Presented("cookie", COOKIE)


@pytest.mark.parametrize(
    "line",
    [
        f"={COOKIE_NAME}={COOKIE}",
        f"{COOKIE_NAME}",
        f"__HOST-HTTP-ts={COOKIE}",
        f"__host-http-ts={COOKIE}",
        f"__Host-Http-TS={COOKIE}",
        f"{COOKIE_NAME} ={COOKIE}",
        f"\x0b{COOKIE_NAME}={COOKIE}",
        f"\x85{COOKIE_NAME}={COOKIE}",
        f"\xa0{COOKIE_NAME}={COOKIE}",
        f"ts={COOKIE}",
        f"__Host-ts={COOKIE}",
        f"a={COOKIE_NAME}={COOKIE}",
        f'a="; {COOKIE_NAME}x={COOKIE}"',
        "",
        ";;;",
    ],
)
def test_what_only_looks_like_the_session_cookie_is_ignored(line: str) -> None:
    """A nameless cookie, another case, a space or a strange blank before the name: none of them is the session's cookie."""
    assert presented(headers(("Cookie", line))) is None


@pytest.mark.parametrize("values", [(COOKIE, COOKIE), (COOKIE, ""), ("", "x")])
def test_two_session_cookies_are_malformed(values: tuple[str, str]) -> None:
    """The order of cookies is not trustworthy, so neither of two is tried; also across several Cookie headers."""
    pairs = [f"{COOKIE_NAME}={value}" for value in values]
    with pytest.raises(CredentialMalformed):
        presented(headers(("Cookie", "; ".join(pairs))))
    with pytest.raises(CredentialMalformed):
        presented(headers(*(("Cookie", pair) for pair in pairs)))


def test_a_cookie_of_localhost_is_not_read_on_https() -> None:
    """The plain name counts only where it was asked for."""
    line = headers(("Cookie", f"ts={COOKIE}; {COOKIE_NAME}=other"))
    assert presented(line, "ts") == Presented("cookie", COOKIE)
    assert presented(line) == Presented("cookie", "other")


def test_what_is_presented_does_not_print() -> None:
    """The credential is not in the text of the value that carries it."""
    assert COOKIE not in repr(Presented("cookie", COOKIE))
    assert "abc" not in f"{Presented('bearer', 'abc')}"


@pytest.mark.parametrize(
    ("issuer", "name"),
    [
        ("https://a.example", "__Host-Http-ts"),
        ("https://localhost:8000", "__Host-Http-ts"),
        ("http://localhost:8000", "ts"),
    ],
)
def test_the_cookie_is_named_by_the_issuer(issuer: str, name: str) -> None:
    """On https the name carries the prefix that browsers protect."""
    assert cookie_name_of(issuer) == name


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Notes.Example/auth", "https://notes.example"),
        ("https://notes.example:443", "https://notes.example"),
        ("http://localhost:8000/x", "http://localhost:8000"),
        ("http://localhost:80", "http://localhost"),
        ("https://[::1]:8443/a", "https://[::1]:8443"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    """Lower case, no path, no default port."""
    assert origin_of(url) == origin


def test_the_cookie_on_https_is_bound_to_the_host_and_hidden_from_scripts() -> None:
    """Secure, HttpOnly, Lax, for the whole host, without Domain; until the browser is closed."""
    assert set_cookie("https://a.example/auth", "v") == "__Host-Http-ts=v; Path=/; HttpOnly; SameSite=Lax; Secure"


def test_the_cookie_on_localhost_is_not_secure() -> None:
    """A browser would not keep a Secure cookie that came over http."""
    assert set_cookie("http://localhost:8000", "v", 60) == "ts=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60"


def test_the_cookie_is_taken_away_with_the_same_attributes() -> None:
    """Taking it away differs from setting it only in value and age."""
    gone = set_cookie("https://a.example", "", 0)
    assert gone == "__Host-Http-ts=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"
