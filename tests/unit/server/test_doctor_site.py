"""The doctor's rules about names, cookies, proxies, caches, certificates and mail, each with facts that are made up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tallystick.server.doctor.check_mail import check_mail
from tallystick.server.doctor.check_proxy import SENT, SPOOFED, check_behind, check_forwarded, check_server_clock
from tallystick.server.doctor.check_settings import check_issuer, check_trusted_origins, check_unknown, check_unsafe
from tallystick.server.doctor.check_site import (
    check_issuer_served,
    check_metadata,
    check_metrics,
    check_mirror_cookie,
    check_tls,
)
from tallystick.server.doctor.facts import Answer, MailFacts, SiteFacts, TlsFacts
from tallystick.server.unsafe import Finding as Unsafe
from tests.unit.server.test_doctor_files import ids

URL = "https://auth.example"
ME = "127.0.0.1 4711"
NOW = 1_000_000
DAY = 86_400
COOKIE = "__Host-Http-ts-doctor=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"
KIDS = {"one": NOW - DAY}
GUARDED = {
    "cache-control": ("no-store",),
    "content-security-policy": ("default-src 'none'",),
    "referrer-policy": ("no-referrer",),
    "set-cookie": (COOKIE,),
    "strict-transport-security": ("max-age=31536000",),
    "x-content-type-options": ("nosniff",),
}


def answer(path: str = "", status: int = 200, headers: Mapping[str, Any] | None = None, **body: Any) -> Answer:
    """Builds an answer that came at once."""
    return Answer(URL + path, status, headers or {}, body, sent_at=NOW, got_at=NOW, local=ME)


def seen(**headers: str) -> dict[str, str]:
    """Builds the request headers that arrived: all that are sent, and some; what is empty did not arrive."""
    arrived = {**SENT, "origin": URL, "host": "auth.example"}
    arrived |= {name.replace("_", "-"): value for name, value in headers.items()}
    return {name: value for name, value in arrived.items() if value}


def mirror(network: str = "127.0.0.1", peer: str = ME, headers: Mapping[str, Any] = GUARDED, **more: str) -> Answer:
    """Builds what the server saw of a request."""
    body = {"network": network, "peer": peer, "cookie": COOKIE, "kids": KIDS, "now": NOW, "seen": seen(**more)}
    return answer("/doctor", 200, headers, **body)


KEY_SET = answer(
    "/.well-known/jwks.json", 200, {"cache-control": ("public, max-age=300, must-revalidate",)}, keys=[{"kid": "one"}]
)
SOUND = SiteFacts(
    url=URL,
    metadata=answer(issuer=URL),
    key_set=KEY_SET,
    metrics=answer("/metrics", 404),
    mirrors=(mirror(),) * 3,
    spoofed=mirror(),
    tls=TlsFacts("auth.example", NOW + 60 * DAY, ("auth.example",)),
)


def behind(site: SiteFacts, kids: Mapping[str, int] = KIDS) -> list[str]:
    """Gives what is found between visitor and server."""
    return ids(check_behind(site, URL, 300, kids))


def test_a_sound_site_is_left_alone() -> None:
    """Nothing is said against a site where everything is right."""
    assert behind(SOUND) == []
    assert ids(check_issuer_served(SOUND)) == []
    assert ids(check_metadata(SOUND)) == []
    assert ids(check_metrics(SOUND)) == []
    assert ids(check_mirror_cookie(mirror())) == []
    assert SOUND.tls is not None
    assert ids(check_tls(SOUND.tls, NOW)) == []
    assert ids(check_server_clock(mirror(), NOW)) == []


@pytest.mark.parametrize(
    ("url", "metadata", "expected"),
    [
        (URL, answer(issuer="https://other.example"), ["issuer_differs"]),
        (f"{URL}/auth", answer(issuer=URL), ["issuer_differs"]),
        (URL, answer(issuer="http://localhost:8000"), ["http_behind_tls"]),
        ("http://auth.example", answer("", 308, {"location": ("https://auth.example/",)}), ["http_behind_tls"]),
        ("https://www.auth.example", answer(issuer=URL), ["cookie_two_hosts"]),
        ("http://127.0.0.1:8000", answer(issuer="http://localhost:8000"), ["cookie_two_hosts"]),
        ("http://localhost:8001", answer(issuer="http://localhost:8000"), ["issuer_differs"]),
        (URL, answer(status=421, error="request.unknown_host"), ["host_not_passed"]),
        (URL, answer(status=400, error="request.plain_http"), ["proto_wrong"]),
        (URL, answer(status=404), []),
    ],
)
def test_the_issuer_is_the_visited_url(url: str, metadata: Answer, expected: list[str]) -> None:
    """Whatever makes the server's own name differ from the visited one is told by its cause."""
    assert ids(check_issuer_served(replace(SOUND, url=url, metadata=metadata))) == expected


@pytest.mark.parametrize(
    ("outside", "expected"),
    [
        (answer(issuer=URL), []),
        (answer(status=404), ["metadata_disagree"]),
        (answer(issuer="https://other.example"), ["metadata_disagree"]),
        (None, []),
    ],
)
def test_two_metadata_documents_agree(outside: Answer | None, expected: list[str]) -> None:
    """The metadata of an issuer with a path is at two places, and says the same at both."""
    assert ids(check_metadata(replace(SOUND, outside=outside))) == expected


def test_open_metrics_are_found() -> None:
    """Metrics are for whoever runs the server; on localhost that is everybody."""
    metrics = answer("/metrics")
    assert ids(check_metrics(replace(SOUND, metrics=metrics))) == ["metrics_open"]
    assert ids(check_metrics(replace(SOUND, url="http://localhost:8000", metrics=metrics))) == []


@pytest.mark.parametrize(
    ("issuer", "expected"),
    [
        ("https://auth.example", []),
        ("http://localhost:8000", []),
        ("http://127.0.0.1:8000", []),
        ("http://192.168.1.20:8000", ["issuer_plain_http"]),
        ("http://nas.lan", ["issuer_plain_http"]),
    ],
)
def test_plain_http_is_for_localhost(issuer: str, expected: list[str]) -> None:
    """On a name of the local network browsers keep no session cookie over http."""
    assert ids(check_issuer(issuer)) == expected


@pytest.mark.parametrize(
    ("issuer", "origin", "finds"),
    [
        ("https://auth.example.com", "https://app.example.com", False),
        ("https://example.com", "https://app.example.com", False),
        ("https://auth.example.com", "https://example.org", True),
        ("https://auth.example.com", "http://app.example.com", True),
        ("https://auth.one.co.uk", "https://app.two.co.uk", True),
        ("https://auth.one.co.uk", "https://app.one.co.uk", False),
        ("https://one.github.io", "https://two.github.io", True),
        ("http://localhost:8000", "http://localhost:3000", False),
        ("http://localhost:8000", "http://127.0.0.1:3000", True),
        ("https://192.0.2.1", "https://192.0.2.2", True),
    ],
)
def test_a_cookie_stays_on_its_site(issuer: str, origin: str, finds: bool) -> None:
    """SameSite=Lax cookies do not travel to another site, another scheme, or a neighbour under a shared name."""
    assert ids(check_trusted_origins(issuer, [origin])) == (["cookie_other_site"] if finds else [])


def test_unknown_variables_and_unsafe_settings_are_passed_on() -> None:
    """A misspelt variable names the right one; what `serve` refuses has the same id and fix here."""
    first, second = check_unknown([("TALLYSTICK_ISUER", "TALLYSTICK_ISSUER"), ("TALLYSTICK_X", "")])
    assert (first.id, first.fix) == ("doctor.setting_unknown", "Did you mean TALLYSTICK_ISSUER?")
    assert second.fix == "Rename or unset the variable."
    (one,) = check_unsafe([Unsafe("pepper.sample", "the pepper is an example", "make one")])
    assert (one.id, one.says, one.fix) == ("doctor.pepper.sample", "The pepper is an example.", "make one")


PROXY = "10.0.0.7 80"


@pytest.mark.parametrize(
    ("one", "spoofed", "expected"),
    [
        (mirror("10.0.0.7", PROXY), None, ["forwarded_missing"]),
        (mirror("8.8.8.8", PROXY), None, []),
        (mirror("10.0.0.7", PROXY, x_forwarded_for="198.51.100.4"), None, ["forwarded_not_believed"]),
        (mirror("10.0.0.7", PROXY, forwarded='for="[2001:db8::1]:80";proto=https'), None, ["forwarded_not_believed"]),
        (mirror("198.51.100.4", PROXY, x_forwarded_for="198.51.100.4", x_forwarded_proto="https"), None, []),
        (mirror("2001:db8::1", PROXY, forwarded='for="[2001:db8::1]:80"'), None, []),
        (mirror("198.51.100.4", PROXY, x_forwarded_for="198.51.100.4", x_forwarded_proto="http"), None, ["proto_wrong"]),
        (mirror("10.0.0.7", PROXY), mirror(SPOOFED, PROXY), ["forwarded_spoofable"]),
        (mirror(), mirror(SPOOFED), ["forwarded_spoofable"]),
    ],
)  # fmt: skip
def test_forwarded_headers(one: Answer, spoofed: Answer | None, expected: list[str]) -> None:
    """A proxy that hides its visitors, is not believed, or lets them lie, is found; a translated address is no proxy."""
    assert ids(check_forwarded(one, spoofed, URL)) == expected


def test_a_lie_from_where_a_proxy_runs_is_nothing() -> None:
    """A doctor on the host of a listed proxy is vouched for by it; the same lie from elsewhere is found."""
    appended = mirror(SPOOFED, PROXY, x_forwarded_for=f"{SPOOFED}, 10.0.0.8")
    honest = mirror("10.0.0.8", PROXY, x_forwarded_for="10.0.0.8")
    assert ids(check_forwarded(honest, appended, URL, {"10.0.0.8"}.__contains__)) == []
    assert ids(check_forwarded(honest, appended, URL)) == ["forwarded_spoofable"]
    passed_on = mirror(SPOOFED, PROXY, x_forwarded_for=SPOOFED)
    assert ids(check_forwarded(honest, passed_on, URL, lambda address: True)) == ["forwarded_spoofable"]


@pytest.mark.parametrize("name", [*SENT, "origin"])
def test_a_lost_request_header_is_found(name: str) -> None:
    """Each header that decides who asks and from where must arrive."""
    assert behind(replace(SOUND, mirrors=(mirror(**{name: ""}),), spoofed=None)) == ["headers_lost"]


def test_a_replaced_host_is_found() -> None:
    """A proxy that asks under a name of its own is found, also where the server would answer that name."""
    assert behind(replace(SOUND, mirrors=(mirror(host="backend:8000"),), spoofed=None)) == ["host_not_passed"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"strict-transport-security": ()}, ["headers_stripped"]),
        ({"content-security-policy": ()}, ["headers_stripped"]),
        ({"x-content-type-options": ()}, ["headers_stripped"]),
        ({"cache-control": ("public, max-age=60",)}, ["answers_cached"]),
        ({"cache-control": ()}, ["answers_cached"]),
        ({"age": ("3",)}, ["answers_cached"]),
    ],
)
def test_stripped_and_cached_answers_are_found(changed: Mapping[str, Any], expected: list[str]) -> None:
    """Protecting headers must arrive, and what is for one person must not be kept."""
    assert behind(replace(SOUND, mirrors=(mirror(headers={**GUARDED, **changed}),), spoofed=None)) == expected


@pytest.mark.parametrize(
    ("headers", "kids", "expected"),
    [
        ({"cache-control": ("public, max-age=86400",)}, KIDS, ["jwks_cached_longer"]),
        ({"cache-control": ("max-age=60, s-maxage=3600",)}, KIDS, ["jwks_cached_longer"]),
        ({}, KIDS, ["jwks_cached_longer"]),
        ({"cache-control": ("max-age=300",), "age": ("4000",)}, KIDS, ["jwks_cached_longer"]),
        ({"cache-control": ("max-age=60",), "age": ("20",)}, KIDS, []),
        ({"cache-control": ("no-store",)}, KIDS, []),
        ({"cache-control": ("max-age=300",)}, {"one": NOW - DAY, "two": NOW - DAY}, ["jwks_stale"]),
        ({"cache-control": ("max-age=300",)}, {"one": NOW - DAY, "two": NOW - 100}, []),
    ],
)
def test_the_key_set_is_fresh(headers: Mapping[str, Any], kids: Mapping[str, int], expected: list[str]) -> None:
    """A key set that may be kept for longer than a key is announced, or that lacks a key, is found; a young cache is not."""
    mirrors = tuple(replace(one, body={**one.body, "kids": kids}) for one in SOUND.mirrors)
    assert behind(replace(SOUND, key_set=replace(KEY_SET, headers=headers), mirrors=mirrors), kids) == expected


def test_a_second_server_is_found() -> None:
    """Servers that do not share a store have other keys, or do not know the probe."""
    other = replace(mirror(), body={**mirror().body, "kids": {"two": NOW - DAY}})
    assert behind(replace(SOUND, mirrors=(mirror(), other))) == ["workers_without_log"]
    assert behind(replace(SOUND, mirrors=(mirror(), answer("/doctor", 404)))) == ["workers_without_log"]
    assert behind(SOUND, {"two": NOW}) == ["workers_without_log"]
    assert behind(SOUND, {}) == []


@pytest.mark.parametrize(
    ("served_at", "expected"),
    [(NOW + 3, []), (NOW - 3, []), (NOW + 60, ["clock_differs"]), (NOW - 60, ["clock_differs"])],
)
def test_two_clocks(served_at: int, expected: list[str]) -> None:
    """A server whose clock is a minute off is found, whichever way."""
    assert ids(check_server_clock(mirror(), served_at)) == expected


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        ((COOKIE,), []),
        ((COOKIE, "other=1"), []),
        ((COOKIE.replace("Path=/", "Path=/auth"),), ["cookie_changed"]),
        ((COOKIE + "; Domain=auth.example",), ["cookie_changed"]),
        ((COOKIE.replace("; Secure", ""),), ["cookie_changed"]),
        ((), ["cookie_changed"]),
    ],
)
def test_a_changed_cookie_is_found(came: tuple[str, ...], expected: list[str]) -> None:
    """Another path, a domain, a lost Secure, or no cookie at all: each means that browsers keep none."""
    assert ids(check_mirror_cookie(mirror(headers={**GUARDED, "set-cookie": came}))) == expected


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        (TlsFacts("a", NOW + 3 * DAY), ["tls_expiring"]),
        (TlsFacts("a", NOW - DAY, problem="certificate has expired"), ["tls_expiring"]),
        (TlsFacts("a", NOW + 60 * DAY, ("b",), "Hostname mismatch", True), ["tls_other_host"]),
        (TlsFacts("a", NOW + 60 * DAY, ("a",), "self-signed certificate"), ["tls_untrusted"]),
    ],
)
def test_certificates(tls: TlsFacts, expected: list[str]) -> None:
    """A certificate that ends soon, is for another host, or that nobody vouches for, is found; each once."""
    assert ids(check_tls(tls, NOW)) == expected


@pytest.mark.parametrize(
    ("mail", "expected"),
    [
        (MailFacts("mail.example", 587, "starttls"), []),
        (MailFacts("mail.example", 587, "starttls", problem="Connection refused"), ["mail_unreachable"]),
        (MailFacts("mail.example", 587, "tls", security_problem="it does not speak TLS"), ["mail_security"]),
    ],
)
def test_mail(mail: MailFacts, expected: list[str]) -> None:
    """A mail server that is not there and one without the wanted security are told apart."""
    assert ids(check_mail(mail)) == expected
