"""Where answers may go: exact strings, without tricks."""

from __future__ import annotations

import pytest

from tallystick.oauth.uris import matches_redirect, why_not_audience, why_not_redirect

GOOD = [
    "https://app.example",
    "https://app.example/",
    "https://app.example/callback?tenant=7&x=%20y",
    "https://app.example:8443/callback",
    "https://localhost/callback",
    "https://192.0.2.7/callback",
    "https://[2001:db8::7]:8443/callback",
]
GOOD_NATIVE = [
    "http://127.0.0.1/callback",
    "http://127.0.0.1:49152/callback",
    "http://[::1]/callback",
    "http://localhost:3000/callback",
    "com.example.app:/callback",
    "com.example.app:///callback",
    "com.example.app:callback",
]


@pytest.mark.parametrize("uri", GOOD)
def test_https_is_good_for_every_client(uri: str) -> None:
    """An absolute https URI can be registered by every kind of client."""
    assert why_not_redirect(uri, native=False) is None
    assert why_not_redirect(uri, native=True) is None
    assert why_not_audience(uri) is None


@pytest.mark.parametrize("uri", GOOD_NATIVE)
def test_native_clients_listen_where_they_can(uri: str) -> None:
    """Only a native client may use the loopback address, or a scheme of its own with a dot in it (RFC 8252 section 7)."""
    assert why_not_redirect(uri, native=True) is None
    assert why_not_redirect(uri, native=False) == "must begin with https://"


@pytest.mark.parametrize(
    ("uri", "word"),
    [
        ("", "characters"),
        ("https://app.example/" + "x" * 2000, "characters"),
        ("https://app.example/#top", "fragment"),
        ("https://app.example/#", "fragment"),
        ("https://*.example/", "pattern"),
        ("https://app.example/*", "pattern"),
        ("https://app.example/ x", "character"),
        ("https://app.example/\n", "character"),
        ("https://app.example/%zz", "character"),
        ("https://app.example\\@evil.example/", "character"),
        ("https://äpp.example/", "character"),
        ("https://app.example/<script>", "character"),
        ("/callback", "absolute"),
        ("//app.example/callback", "absolute"),
        ("app.example", "absolute"),
        ("HTTPS://app.example/", "lower case"),
        ("https://App.example/", "lower case"),
        ("https://", "host"),
        ("https:///callback", "host"),
        ("https:app.example", "host"),
        ("https://app_x.example/", "host"),
        ("https://-app.example/", "host"),
        ("https://app.example./", "host"),
        ("https://app.example:/", "host"),
        ("https://app.example:99999/", "host"),
        ("https://app.example:8x/", "host"),
        ("https://[app.example]/", "host"),
        ("https://[::1/", "host"),
        ("https://" + ".".join(["a" * 60] * 5) + "/", "host"),
        ("https://localhost:80@evil.example/", "name or password"),
        ("https://app.example/a/../b", "step"),
        ("https://app.example/./b", "step"),
        ("http://app.example/", "https://"),
        ("http://127.0.0.1.evil.example/", "https://"),
        ("http://localhost:80@evil.example/", "name or password"),
        ("http://", "https://|host"),
        ("myapp:/callback", "domain name"),
        ("javascript:alert(1)", "domain name"),
        ("data:text/html,x", "domain name"),
        ("urn:ietf:wg:oauth:2.0:oob", "domain name"),
        ("com.example.app://host/callback", "must not have"),
    ],
)
def test_what_could_lead_elsewhere_is_refused(uri: str, word: str) -> None:
    """Every trick that others fell for is refused with its reason, for the most liberal kind of client too."""
    reason = why_not_redirect(uri, native=True)
    assert reason is not None
    assert any(one in reason for one in word.split("|"))


@pytest.mark.parametrize(
    "uri", ["export", "urn:example:export", "http://export.example", "com.example.app:/x", "https://"]
)
def test_an_audience_is_a_place_on_the_web(uri: str) -> None:
    """A resource is named by an https URI, or by http on the loopback address for development."""
    assert why_not_audience(uri) is not None
    assert why_not_audience("http://localhost:8001") is None


@pytest.mark.parametrize(
    ("registered", "given", "native", "same"),
    [
        ("https://app.example/cb", "https://app.example/cb", False, True),
        ("https://app.example/cb", "https://app.example/cb/", False, False),
        ("https://app.example/cb", "https://app.example/cb?x=1", False, False),
        ("https://app.example/cb", "https://app.example:443/cb", True, False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb", True, True),
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:49152/cb", True, True),
        ("http://[::1]/cb", "http://[::1]:49152/cb", True, True),
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb", False, False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/other", True, False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb?x=1", True, False),
        ("http://127.0.0.1/cb", "http://localhost:49152/cb", True, False),
        ("http://127.0.0.1/cb", "https://127.0.0.1/cb", True, False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:1@evil.example/cb", True, False),
        ("com.example.app:/cb", "com.example.app:/cb/", True, False),
    ],
)
def test_a_redirect_is_the_registered_string_but_for_a_loopback_port(
    registered: str, given: str, native: bool, same: bool
) -> None:
    """Nothing but the port of a native client's loopback address may differ (RFC 9700 section 2.1)."""
    assert matches_redirect(registered, given, native=native) is same
