"""No header and no body makes a parser fail in a way of its own: it answers, or raises one typed error."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from urllib.parse import parse_qsl, quote_plus, urlencode

from hypothesis import example, given
from hypothesis import strategies as st

from tallystick.errors import (
    CredentialMalformed,
    CrossSite,
    InvalidRequest,
    OAuthInvalidClient,
    OAuthInvalidScope,
    UnsupportedBody,
)
from tallystick.http import COOKIE_NAME, Decision, Presented, guard, origin_of, presented, same_origin, set_cookie
from tallystick.web.bodies import FORM, JSON, parse_form, parse_json, read_body
from tallystick.web.endpoints.oauth import parse_basic, scope_of

NAMES = st.sampled_from([b"cookie", b"authorization", b"origin", b"sec-fetch-site", b"x-csrf-token", b"host"])
VALUES = st.binary(max_size=60) | st.sampled_from(
    [
        b"Bearer abc",
        b"bearer  a.b.c",
        b"Basic YTpi",
        b"same-origin",
        b"cross-site",
        b"https://notes.example",
        b"null",
        COOKIE_NAME.encode() + b"=v",
        b"a=b; " + COOKIE_NAME.encode() + b"=v",
        b"=" + COOKIE_NAME.encode() + b"=v",
    ]
)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=6)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
COOKIE_OCTETS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='",;\\'), max_size=50)


@given(HEADERS)
def test_any_headers_present_something_nothing_or_are_malformed(headers: list[tuple[bytes, bytes]]) -> None:
    """Whatever headers arrive, there is a credential, none, or one typed error; and a bearer is always a token68."""
    try:
        found = presented(headers)
    except CredentialMalformed:
        return
    if found is not None and found.kind == "bearer":
        assert found.value
        assert found.value.isascii()
        assert not set(found.value) & set(" ,;\"'\\\r\n\0")


@example(headers=[(b"sec-fetch-site", b"none")], method="POST")
@given(HEADERS, st.sampled_from(["GET", "POST", "DELETE", ""]))
def test_a_change_by_cookie_passes_only_with_a_proof(headers: list[tuple[bytes, bytes]], method: str) -> None:
    """The guard lets nothing pass that neither a header nor the token proves."""
    try:
        guard(method, headers, Presented("cookie", "v"), "https://notes.example")
    except CrossSite:
        assert method != "GET"
        return
    values = dict(headers)
    # `none` is a person's own doing: the address bar, a bookmark.
    own = values.get(b"sec-fetch-site") in (b"same-origin", b"none")
    proved = own or values.get(b"origin") == b"https://notes.example"
    assert method == "GET" or proved


@given(st.lists(st.tuples(st.sampled_from(["a", "ts", COOKIE_NAME, "b"]), COOKIE_OCTETS), max_size=5))
def test_a_cookie_header_is_read_as_browsers_write_it(pairs: list[tuple[str, str]]) -> None:
    """One session cookie is found wherever it stands; none is None; two are refused."""
    line = "; ".join(f"{name}={value}" for name, value in pairs).encode()
    ours = [value for name, value in pairs if name == COOKIE_NAME]
    try:
        found = presented([(b"cookie", line)])
    except CredentialMalformed:
        assert len(ours) > 1
        return
    assert found == (Presented("cookie", ours[0]) if ours else None)


@given(COOKIE_OCTETS)
def test_a_cookie_that_was_set_is_read_again(value: str) -> None:
    """What Set-Cookie carries comes back as the same value."""
    pair = set_cookie("https://a.example", value).split(";")[0]
    assert presented([(b"cookie", pair.encode())]) == Presented("cookie", value)


@given(
    st.sampled_from(["https", "http"]),
    st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){0,2}", fullmatch=True),
    st.integers(1, 65535),
)
def test_the_origin_of_our_own_url_is_our_own(scheme: str, host: str, port: int) -> None:
    """A browser on a page under the issuer sends exactly the origin that is compared with."""
    origin = origin_of(f"{scheme}://{host}:{port}/auth")
    assert origin_of(origin) == origin
    assert same_origin("POST", [(b"origin", origin.encode())], origin) is Decision.ALLOWED


@given(st.text(max_size=200) | st.from_regex(r'[\[\]{}":,0-9a-zA-Z\\. -]{0,80}', fullmatch=True))
@example("[" * 30_000)
@example('{"a":' * 10_000)
@example('{"a":1,"a":1}')
@example('{"a":{"b":1,"b":1}}')
@example('{"a":NaN}')
@example('{"a":-Infinity}')
@example('{"a":' + "9" * 5_000 + "}")
def test_any_text_is_a_json_object_or_refused(text: str) -> None:
    """A body that is no strict JSON object is a typed error, however deep, long or doubtful it is."""
    try:
        found = parse_json(text)
    except InvalidRequest:
        return
    assert found == json.loads(text)
    assert "NaN" not in json.dumps(found, allow_nan=True) or '"' in text


@given(st.dictionaries(TEXT, TEXT | st.booleans() | st.integers() | st.none(), max_size=6))
def test_a_json_object_is_read_as_it_was_written(members: dict[str, object]) -> None:
    """Every object that JSON can write is read the same."""
    assert parse_json(json.dumps(members)) == members


@given(st.text(max_size=100))
@example("&".join(f"{n}=1" for n in range(40)))
@example("a=%ff")
@example("a+b=%41%zz&&=x&c")
@example("a=1&a=1")
def test_any_text_is_a_form_or_refused(text: str) -> None:
    """A form that says something twice, or is not UTF-8 behind its percent signs, is a typed error."""
    try:
        found = parse_form(text)
    except InvalidRequest:
        return
    assert found == dict(parse_qsl(text, keep_blank_values=True, errors="strict"))


@given(st.dictionaries(TEXT, TEXT, max_size=8))
def test_a_form_is_read_as_it_was_written(members: dict[str, str]) -> None:
    """Every form that can be written is read the same."""
    assert parse_form(urlencode(members)) == members


@given(
    st.one_of(st.none(), st.text(max_size=40), st.sampled_from([JSON, FORM, f"{JSON}; charset=utf-8"])),
    st.binary(max_size=200),
)
def test_any_body_is_read_or_refused(content_type: str | None, raw: bytes) -> None:
    """Whatever body arrives under whatever content type, there are fields or one typed error; each field is typed too."""
    try:
        body = read_body(None if content_type is None else content_type.encode("latin-1", "replace"), raw)
    except (InvalidRequest, UnsupportedBody):
        return
    for name in list(body.members)[:5]:
        try:
            value = body.find_text(name)
            assert value is None or value.encode().decode() == value
            body.flag(name)
        except InvalidRequest:
            continue


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda raw: b"Basic " + b64encode(raw)))
def test_any_authorization_is_basic_or_refused(text: bytes) -> None:
    """Whatever stands in Authorization at the token endpoint is a client's name and secret, or one typed error."""
    try:
        parse_basic(text)
    except OAuthInvalidClient:
        return
    assert text[:6].lower() == b"basic "


@given(TEXT, TEXT)
def test_basic_credentials_are_form_encoded(name: str, secret: str) -> None:
    """RFC 6749 section 2.3.1: also names and secrets with colons, percent signs and foreign letters arrive whole."""
    text = f"{quote_plus(name)}:{quote_plus(secret)}"
    found = parse_basic(b"Basic " + b64encode(text.encode()))
    assert found == (name, secret)
    assert secret not in repr(found) or secret in f"ClientCredentials(id={name!r})"


@given(st.text(max_size=60))
def test_any_scope_is_a_set_of_tokens_or_refused(text: str) -> None:
    """A scope parameter is scope tokens of RFC 6749 section 3.3, or one typed error."""
    try:
        found = scope_of(text)
    except OAuthInvalidScope:
        return
    assert found is None or (found and all(one and one.isascii() and not set(one) & set(' "\\') for one in found))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_stay_numbers(number: float) -> None:
    """A number in a body is read as that number, so no field that wants a text gets one."""
    assert math.isclose(parse_json(json.dumps({"n": number}))["n"], number)
