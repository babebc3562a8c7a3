"""No input makes a parser do anything but read it or refuse it with its typed error."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tallystick.core.credentials.access_token import Expected, check, view_of
from tallystick.core.keys.encoding import decode, encode, read_object, write_object
from tallystick.core.keys.jws import Header, Reader, verify_compact
from tallystick.core.keys.key_set import KeySet
from tallystick.errors import Misconfigured, Rejected
from tallystick.verifier.bare import verify_access_token
from tests.unit.core.keys.jose import ALGORITHMS, AUDIENCE, ISSUER, NOW, claims, header, jwk, jwks, token

TEXTS = st.text(max_size=40)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
KEY_MEMBERS = ("kty", "crv", "x", "y", "n", "e", "k", "d", "alg", "use", "kid", "key_ops")
ALL = jwks(*(jwk(name, kid=name) for name in ALGORITHMS))


@st.composite
def nearly_tokens(draw: st.DrawFn) -> str:
    """Texts that look like tokens: parts of base64url, or of any sign, with some number of dots."""
    parts = st.text(BASE64URL, max_size=60) | TEXTS | st.binary(max_size=60).map(encode) | VALUES.map(_as_part)
    return ".".join(draw(st.lists(parts, max_size=6)))


def _as_part(value: Any) -> str:
    return encode(json.dumps(value).encode())


@st.composite
def nearly_keys(draw: st.DrawFn) -> Any:
    """A good key with some members replaced by anything."""
    base = jwk(draw(st.sampled_from(ALGORITHMS)))
    changes = (
        st.text(BASE64URL, max_size=90)
        | VALUES
        | st.sampled_from(["EC", "RSA", "OKP", "oct", "P-256", "Ed25519", "AQ"])
    )
    return {**base, **draw(st.dictionaries(st.sampled_from(KEY_MEMBERS), changes, max_size=4))}


@given(TEXTS | st.text(BASE64URL, max_size=50))
def test_one_text_for_each_octets(text: str) -> None:
    """Whatever text is decoded is the one that its octets are encoded to."""
    try:
        raw = decode(text)
    except ValueError:
        return
    assert encode(raw) == text


@given(st.binary(max_size=300) | TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_octets_are_an_object_or_refused(raw: bytes) -> None:
    """The JSON reader gives what the standard library gives, or refuses with one type of error."""
    try:
        found = read_object(raw)
    except ValueError:
        return
    assert found == json.loads(raw)


@given(st.dictionaries(st.text(max_size=8), JSON_VALUES, max_size=6), st.booleans())
def test_any_object_survives_its_text(members: dict[str, Any], plain: bool) -> None:
    """What is written is read back as the same object, escapes or none."""
    try:
        raw = write_object(members) if plain else json.dumps(members, indent=1).encode()
    except UnicodeEncodeError:
        return
    assert read_object(raw) == members


@given(
    st.lists(st.tuples(st.sampled_from("abc"), JSON_VALUES), max_size=5), st.sampled_from([(",", ":"), (" , ", " : ")])
)
def test_a_repeated_member_is_always_found(members: list[tuple[str, Any]], signs: tuple[str, str]) -> None:
    """An object is read exactly when no member is there twice, whatever the values and the spacing."""
    comma, colon = signs
    text = "{" + comma.join(f'"{name}"{colon}{json.dumps(value)}' for name, value in members) + "}"
    names = [name for name, _ in members]
    try:
        found = read_object(text.encode())
    except ValueError:
        assert len(set(names)) < len(names)
        return
    assert found == dict(members)
    assert len(set(names)) == len(names)


@given(VALUES | nearly_tokens())
@example("e30.e30.")
@example("." * 20_000)
@example("A" * 20_000)
def test_any_token_is_verified_or_rejected(presented: Any) -> None:
    """Nothing that was not signed verifies, and nothing raises anything but Rejected."""
    for read in (
        lambda: verify_compact(presented, ALL, ALGORITHMS),
        lambda: verify_access_token(presented, ALL, issuer=ISSUER, audience=AUDIENCE, now=NOW),
    ):
        try:
            read()
        except Rejected:
            continue
        raise AssertionError("something verified that nobody signed")


@given(
    st.binary(max_size=200) | VALUES | st.dictionaries(st.sampled_from([*KEY_MEMBERS, "crit", "typ", "jwk"]), VALUES)
)
def test_any_header_is_read_or_rejected(head: Any) -> None:
    """A signed header of any content is taken or rejected, never more than that."""
    try:
        made = token("HS256", b"payload", head if isinstance(head, bytes) else json.dumps(head).encode())
    except UnicodeEncodeError:
        return
    try:
        assert verify_compact(made, ALL, ALGORITHMS) == b"payload"
    except Rejected:
        return


@given(st.binary(max_size=300) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_signed_payload_is_read_or_rejected(payload: bytes) -> None:
    """A payload of any octets under a good signature is an object or rejected."""
    reader = Reader(KeySet.parse(jwks(jwk("HS256")), shared=True), ["HS256"])
    try:
        _, found = reader.read(token("HS256", payload))
    except Rejected:
        return
    assert type(found) is dict


@given(
    st.dictionaries(st.sampled_from([*claims(), "scope", "amr", "acr", "nbf", "auth_time", "cnf"]), VALUES, max_size=5)
)
def test_any_claims_are_good_or_rejected(changes: dict[str, Any]) -> None:
    """Claims of any type and value are checked without surprise, and what passes has the right issuer, audience and time."""
    found = {**claims(), **changes}
    try:
        check(Header("k", "at+jwt"), found, Expected(ISSUER, AUDIENCE), NOW)
        view_of(Header("k", "at+jwt"), found)
    except Rejected:
        return
    assert found["iss"] == ISSUER
    assert AUDIENCE in ([found["aud"]] if isinstance(found["aud"], str) else found["aud"])
    assert NOW - 10 < found["exp"] <= NOW + 3640
    assert type(found["exp"]) is type(found["iat"]) is int


@settings(max_examples=200)
@given(st.lists(VALUES | nearly_keys(), max_size=4) | VALUES, st.booleans())
def test_any_key_set_is_read_or_refused(members: Any, shared: bool) -> None:
    """A set of anything is read with its bad members skipped, or refused as a whole; then it verifies or rejects."""
    try:
        found = KeySet.parse({"keys": members}, shared=shared)
    except Misconfigured:
        assert not isinstance(members, list)
        return
    assert len(found.keys) + len(found.skipped) == len(members)
    assert shared or all(key.algorithms != ("HS256",) for key in found.keys)
    try:
        verify_compact(token("ES256", b"payload"), {"keys": members}, ALGORITHMS)
    except Rejected:
        return


@given(VALUES | st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_source_is_a_key_set_or_refused(source: Any) -> None:
    """Octets, texts and values of any kind are a key set or one typed error; and verifying with them only rejects."""
    try:
        found = KeySet.parse(source)
    except Misconfigured:
        found = KeySet()
    assert found.keys == ()
    try:
        verify_access_token(token("ES256", claims()), source, issuer=ISSUER, audience=AUDIENCE, now=NOW)
    except Rejected:
        return
    raise AssertionError("a token was verified without a key")


def test_the_base_of_these_properties_is_good() -> None:
    """What the properties change is good before they change it."""
    for name in ALGORITHMS:
        made = token(name, claims(), header(name, kid=name))
        assert verify_compact(made, ALL, ALGORITHMS)
