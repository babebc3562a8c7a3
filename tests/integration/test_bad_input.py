"""Bad input at every endpoint: a typed 4xx, never a 5xx, and nothing changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.integration.asgi import FORM, House, Reply, a_house
from tests.support.embedded import EMAIL, PASSWORD

PATHS = {
    "/session": ("DELETE", "GET", "POST"),
    "/session/passkey": ("POST",),
    "/session/access-token": ("POST",),
    "/sign-up": ("GET", "POST"),
    "/oauth/token": ("POST",),
    "/.well-known/jwks.json": ("GET",),
    "/.well-known/oauth-authorization-server": ("GET",),
    "/livez": ("GET",),
    "/readyz": ("GET",),
}
ENDPOINTS = [(method, path) for path, methods in PATHS.items() for method in methods]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "get")
JSON = "application/json"
JSON_PATHS = ("/session", "/session/passkey", "/sign-up", "/session/access-token")
FORM_PATHS = ("/session", "/session/passkey", "/oauth/token", "/session/access-token")
GOOD = {"email": "bob@example.com", "password": "a stick is split in two halves"}

BAD_JSON = {
    "empty": b"",
    "blank": b"  ",
    "truncated": b'{"email": "a',
    "trailing": b'{"email": "a@b.example", "password": "x"} x',
    "two objects": b"{}{}",
    "array": b"[]",
    "text": b'"email"',
    "number": b"3",
    "null": b"null",
    "not a number": b'{"email": NaN, "password": "x"}',
    "infinity": b'{"email": "a@b.example", "password": "x", "n": -Infinity}',
    "member twice": b'{"email": "a@b.example", "email": "c@d.example", "password": "x"}',
    "member twice, deeper": b'{"email": "a@b.example", "password": "x", "n": {"a": 1, "a": 2}}',
    "deep": b'{"email": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "endless number": b'{"email": ' + b"9" * 20_000 + b"}",
    "bad UTF-8": b'{"email": "\xff@b.example", "password": "x"}',
    "overlong UTF-8": b'{"email": "\xc0\x80@b.example", "password": "x"}',
    "UTF-8 surrogate": b'{"email": "\xed\xa0\x80@b.example", "password": "x"}',
    "UTF-16": '{"email": "a@b.example", "password": "x"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"email": "a@b.example", "password": "x"}',
    "control character": b'{"email": "a\x01@b.example", "password": "x"}',
    "single quotes": b"{'email': 'a@b.example'}",
    "comment": b'{"email": "a@b.example" /* x */}',
}
WRONG_VALUES = [None, 3, 1.5, True, [], {}, ["a@b.example"], {"a": 1}, "", "\ud800", "\x00", "x" * 60_000]
BAD_FORMS = {
    "field twice": b"email=a%40b.example&email=c%40d.example&password=x&grant_type=x&grant_type=y&audience=a&audience=b",
    "field twice, once empty": b"email=&email=c%40d.example&password=x&grant_type=&grant_type=y&audience=&audience=b",
    "bad UTF-8": b"email=%ff&password=%ff&grant_type=%ff&audience=%ff",
    "raw bad UTF-8": b"email=\xff&password=x&grant_type=\xff&audience=\xff",
    "many fields": urlencode([(f"f{n}", "x") for n in range(5_000)]).encode(),
    "half a surrogate": b"email=%ED%A0%80&password=x&grant_type=%ED%A0%80&audience=%ED%A0%80",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One running authority for all of this: bad input changes nothing."""
    with a_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture(autouse=True)
def unchanged(house: House) -> Iterator[None]:
    """After each test there are the same accounts, clients, sessions and revocations as before."""
    before = _state(house)
    yield
    assert _state(house) == before


def _state(house: House) -> object:
    authority = house.authority
    accounts = house.do(authority.accounts())
    sessions = [house.do(authority.sessions_of(account.id)) for account in accounts]
    return accounts, sessions, house.do(authority.clients()), house.do(authority.head())


def refused(reply: Reply, *statuses: int) -> None:
    """Checks that an answer is a typed 4xx that nobody may store, and sets no cookie."""
    assert 400 <= reply.status < 500, (reply.status, reply.raw)
    assert not statuses or reply.status in statuses, (reply.status, reply.raw)
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["content-type"] == JSON
    assert set(reply.body) in ({"error", "message"}, {"error", "error_description"})
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in reply.headers


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "xlocalhost", "127.0.0.2", "localhost.", "[::2]", "LOCALHOSTS"]
)
def test_another_host_is_not_served(house: House, method: str, path: str, host: str) -> None:
    """A Host that is not ours is 421, at every endpoint."""
    refused(house.ask(method, path, host=host, data=GOOD), 421)


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
@pytest.mark.parametrize(
    "host", ["", "a b", "localhost:", "localhost:x", "localhost:123456", "user@localhost", "localhost/", "é", "[::1"]
)
def test_a_malformed_host_is_a_bad_request(house: House, method: str, path: str, host: str) -> None:
    """No Host, or one that is no host, is 400, at every endpoint."""
    refused(house.ask(method, path, host=host, data=GOOD), 400)


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_two_hosts_are_a_bad_request(house: House, method: str, path: str) -> None:
    """Two Host headers are 400, even if both are ours (RFC 9112 section 3.2)."""
    refused(house.ask(method, path, [("host", "localhost:8000")], data=GOOD), 400)


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8000", "127.0.0.1:9", "[::1]:8000"])
def test_in_development_every_name_of_the_loopback_is_ours(house: House, host: str) -> None:
    """On http, which is localhost, the machine's own names are served, whatever the port."""
    assert house.ask("GET", "/livez", host=host).status == 200


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
@pytest.mark.parametrize("length", ["65537", "99999999999999999999", "-1", "1e3", "x", "", "６５"])
def test_a_length_over_the_limit_is_refused_before_the_body_is_read(
    house: House, method: str, path: str, length: str
) -> None:
    """A Content-Length over 64 KiB, or none at all, is 413 and not a byte of the body is taken."""
    raw = length.encode().decode("latin-1")
    reply = house.ask(method, path, [("content-length", raw), ("content-type", JSON)], body=[b"{", b"}"], length=False)
    refused(reply, 413)
    assert reply.received == 0
    assert reply.headers["connection"] == "close"


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_a_chunked_body_over_the_limit_is_refused_while_it_arrives(house: House, method: str, path: str) -> None:
    """Without a length the body is counted, and reading stops at the limit."""
    chunks = [b"x" * 16_384] * 100
    reply = house.ask(method, path, [("content-type", JSON)], body=chunks, length=False)
    refused(reply, 413)
    assert reply.received == 5


def test_http_2_has_no_connection_header(house: House) -> None:
    """A connection of HTTP/2 is not ended by a header that it does not know."""
    reply = house.ask("POST", "/session", body=b"x" * 65_537, http_version="2")
    refused(reply, 413)
    assert "connection" not in reply.headers


def test_a_body_at_the_limit_is_read(house: House) -> None:
    """64 KiB are allowed: what is wrong with this one is its content."""
    body = json.dumps({"email": "x", "password": ""}).encode()
    refused(house.ask("POST", "/session", [("content-type", JSON)], body=body.ljust(65_536)), 400, 401)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
def test_a_wrong_method_is_told_the_right_ones(house: House, method: str, path: str) -> None:
    """Another method than a path has is 405 with Allow; HEAD goes where GET goes."""
    allowed = set(PATHS[path]) | ({"HEAD"} if "GET" in PATHS[path] else set())
    reply = house.ask(method, path)
    if method in allowed:
        assert reply.status != 405
    else:
        assert (reply.status, reply.raw == b"") == (405, method == "HEAD")
        if method != "HEAD":
            refused(reply, 405)
        assert set(reply.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    "path",
    ["/nowhere", "/session/", "//session", "/Session", "/session%2f", "/oauth", "/../session", "/.well-known"],
)
def test_another_path_is_not_found(house: House, path: str) -> None:
    """A path that is not in the table is 404, and nothing is guessed."""
    refused(house.ask("GET", path), 404)


@pytest.mark.parametrize("path", [path for path, methods in PATHS.items() if "POST" in methods])
@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "multipart/form-data; boundary=x", "application/xml", "application/jsonp", "json", "*/*", ";",
     f"{JSON}; charset=utf-16", f"{FORM}; charset=latin-1", f"{JSON}; x=y", f"{JSON}, {FORM}", "é"],
)  # fmt: skip
def test_another_content_type_is_not_read(house: House, path: str, content_type: str) -> None:
    """A body of another content type, or in another charset, is 415."""
    reply = house.ask("POST", path, [("content-type", content_type), *_signed(house, path)], body=b'{"email":"x"}')
    refused(reply, 415)


@pytest.mark.parametrize("path", ["/session", "/sign-up", "/oauth/token"])
def test_a_body_without_a_content_type_is_not_read(house: House, path: str) -> None:
    """No content type is 415: nothing is guessed."""
    refused(house.ask("POST", path, body=json.dumps(GOOD).encode()), 415)


@pytest.mark.parametrize("path", ["/session", "/sign-up", "/oauth/token", "/session/access-token"])
def test_two_content_types_are_a_bad_request(house: House, path: str) -> None:
    """Two Content-Type headers are 400."""
    twice = [("content-type", JSON), ("content-type", FORM), *_signed(house, path)]
    refused(house.ask("POST", path, twice, body=json.dumps(GOOD).encode()), 400)


@pytest.mark.parametrize("path", ["/sign-up"])
def test_no_account_is_made_from_a_form_of_unknown_origin(house: House, path: str) -> None:
    """A page of another site can send a form, so a form that nothing shows to be our page's makes no account."""
    refused(house.ask("POST", path, form=GOOD), 403)


def test_the_token_endpoint_reads_forms_only(house: House) -> None:
    """RFC 6749 section 3.2 knows no JSON."""
    refused(house.ask("POST", "/oauth/token", data={"grant_type": "client_credentials"}), 415)


@pytest.mark.parametrize("path", JSON_PATHS)
@pytest.mark.parametrize("name", BAD_JSON)
def test_bad_json_is_a_bad_request(house: House, path: str, name: str) -> None:
    """What is not one strict JSON object is 400."""
    reply = house.ask("POST", path, [("content-type", JSON), *_signed(house, path)], body=BAD_JSON[name])
    refused(reply, 400)
    assert reply.error == "request.invalid"


@pytest.mark.parametrize("path", FORM_PATHS)
@pytest.mark.parametrize("name", BAD_FORMS)
def test_a_bad_form_is_a_bad_request(house: House, path: str, name: str) -> None:
    """A form that says something twice, or is not UTF-8, is 400."""
    reply = house.ask("POST", path, [("content-type", FORM), *_signed(house, path)], body=BAD_FORMS[name])
    refused(reply, 400)
    assert reply.error == ("invalid_request" if path == "/oauth/token" else "request.invalid")


@pytest.mark.parametrize("path", ["/session", "/sign-up"])
@pytest.mark.parametrize("field", ["email", "password"])
@pytest.mark.parametrize("value", WRONG_VALUES, ids=lambda value: repr(value)[:12])
def test_a_wrong_value_is_refused(house: House, path: str, field: str, value: object) -> None:
    """A field that is no text, no Unicode, empty or endless is a typed 4xx."""
    refused(house.ask("POST", path, data={**GOOD, field: value}), 400, 401, 422, 429)


@pytest.mark.parametrize("path", ["/session", "/sign-up"])
@pytest.mark.parametrize("field", ["email", "password"])
def test_a_missing_field_is_named(house: House, path: str, field: str) -> None:
    """A field that is missing is 400, and the answer says which."""
    reply = house.ask("POST", path, data={name: value for name, value in GOOD.items() if name != field})
    refused(reply, 400)
    assert field in reply.body["message"]


@pytest.mark.parametrize(
    "more",
    [{"stay": "yes"}, {"stay": 1}, {"stay": []}, {"deliver": "both"}, {"deliver": 1}, {"deliver": "tokens"},
     {"deliver": "tokens", "client_id": ["a"]}, {"deliver": "tokens", "client_id": "no such"},
     {"deliver": "tokens", "client_id": "x" * 5000}, {"deliver": "tokens", "client_id": "a", "scope": "é"},
     {"deliver": "tokens", "client_id": "a", "scope": 'a"b'}, {"deliver": "tokens", "client_id": "a", "scope": " "}],
)  # fmt: skip
def test_a_wrong_wish_at_sign_in_is_refused(house: House, more: dict[str, object]) -> None:
    """A wish that cannot be read is refused before the password is looked at."""
    refused(house.ask("POST", "/session", data={"email": EMAIL, "password": PASSWORD, **more}), 400, 401)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "", "client_id": "a"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "client_id": "a"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "x\x00" * 9_000, "client_id": "a"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "tsr_1_0_x", "client_id": "a", "scope": "é"}, "invalid_scope"),
        ({"grant_type": "client_credentials"}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "a"}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "\x00", "client_secret": "\x00"}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "a" * 9_000, "client_secret": "b" * 9_000}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "a", "client_secret": "b", "scope": '"'}, "invalid_scope"),
        ({"grant_type": "client_credentials", "client_id": "a", "client_secret": "b", "audience": "a", "resource": "b"},
         "invalid_target"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "client_id": "a", "audience": "https://b.example"},
         "invalid_target"),
    ],
)  # fmt: skip
def test_a_bad_token_request_has_its_registered_code(house: House, form: dict[str, str], error: str) -> None:
    """The token endpoint tells the code of RFC 6749 section 5.2 (or RFC 8707) and nothing else."""
    reply = house.ask("POST", "/oauth/token", form=form)
    refused(reply, 401 if error == "invalid_client" else 400)
    assert reply.error == error


@pytest.mark.parametrize(
    "authorization",
    ["Basic", "Basic ", "Basic !", "Basic YWJj", "Basic YQ", "Basic /w==", "Basic JWZmOiVmZg==", "Basic Og==",
     "Bearer abc", "Digest x", "é"],
)  # fmt: skip
def test_a_bad_client_authentication_is_an_invalid_client(house: House, authorization: str) -> None:
    """An Authorization that is no Basic, or does not decode, is 401 with a challenge."""
    reply = house.ask(
        "POST", "/oauth/token", [("authorization", authorization)], form={"grant_type": "client_credentials"}
    )
    refused(reply, 401)
    assert reply.error == "invalid_client"
    assert reply.headers["www-authenticate"] == 'Basic realm="tallystick"'


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("authorization", "Bearer")],
        [("authorization", "Bearer a"), ("authorization", "Bearer a")],
        [("authorization", "Bearer a.b.c")],
        [("authorization", f"Bearer {'a' * 30_000}")],
        [("authorization", "Bearer " + ".".join(["e30"] * 3))],
        [("cookie", "ts=")],
        [("cookie", "ts=x")],
        [("cookie", "ts=tsc_" + "A" * 43)],
        [("cookie", "ts=é")],
        [("cookie", "ts=a; ts=b")],
        [("cookie", "ts=a"), ("cookie", "ts=b")],
        [("cookie", "=ts=x")],
        [("cookie", "__Host-Http-ts=tsc_" + "A" * 43)],
    ],
)
def test_a_bad_credential_is_not_accepted(house: House, method: str, headers: list[tuple[str, str]]) -> None:
    """Whatever is presented that is no live session's credential is 401 (or 403 for a change without a proof)."""
    same = [("sec-fetch-site", "same-origin")]
    reply = house.ask(method, "/session", [*headers, *same])
    if reply.status == 204:  # a sign-out of a browser whose session is over already
        assert method == "DELETE"
        assert reply.headers["set-cookie"].startswith("ts=;")
    else:
        refused(reply, 401)


def _signed(house: House, path: str) -> list[tuple[str, str]]:
    """Gives a cookie where one is needed before the body is looked at."""
    if path != "/session/access-token":
        return []
    return [("cookie", f"ts=tsc_{'A' * 43}"), ("sec-fetch-site", "same-origin")]
