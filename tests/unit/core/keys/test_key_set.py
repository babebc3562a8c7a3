"""KeySet: strict about each key, tolerant of its neighbours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tallystick.core.keys.key_set import KEY_SET_BYTES_MAX, KEYS_MAX, KeySet
from tallystick.errors import Misconfigured
from tests.unit.core.keys.jose import jwk, jwks


def kids(keys: KeySet) -> list[str | None]:
    """Gives the names of the keys of a set, in order."""
    return [key.kid for key in keys.keys]


def test_a_set_is_read_from_text_or_dict() -> None:
    """The JSON text and what it says give the same keys."""
    source = jwks(jwk("ES256", kid="a"), jwk("RS256", kid="b"))
    assert kids(KeySet.parse(source)) == kids(KeySet.parse(json.dumps(source).encode())) == ["a", "b"]


def test_a_broken_neighbour_does_no_harm() -> None:
    """Members that cannot be used are skipped and told with their place; the others are good."""
    source = jwks(
        None, jwk("ES256", kid="a"), {}, jwk("ES256", kid="b", crv="P-999"), jwk("HS256"), jwk("RS256", kid="c")
    )
    found = KeySet.parse(source)
    assert kids(found) == ["a", "c"]
    assert [skipped.place for skipped in found.skipped] == [0, 2, 3, 4]
    assert all(skipped.reason for skipped in found.skipped)


def test_keys_that_share_a_kid_are_all_skipped() -> None:
    """Which of two keys of one name an issuer means cannot be known, so neither is used; a broken one does not count."""
    source = jwks(
        jwk("ES256", kid="a"), jwk("RS256", kid="a"), jwk("Ed25519", kid="b"), jwk("ES256", kid="b", use="enc")
    )
    found = KeySet.parse(source)
    assert kids(found) == ["b"]
    assert sorted(skipped.place for skipped in found.skipped) == [0, 1, 3]
    nameless = KeySet.parse(jwks(jwk("ES256", kid=None), jwk("RS256", kid=None)))
    assert kids(nameless) == [None, None]


def test_symmetric_keys_need_a_shared_set() -> None:
    """A published set gives no symmetric key, whatever it holds."""
    source = jwks(jwk("HS256"))
    assert kids(KeySet.parse(source)) == []
    assert kids(KeySet.parse(source, shared=True)) == ["shared"]


@pytest.mark.parametrize(
    "source",
    [
        None, [], "{}", 7, {}, {"keys": None}, {"keys": {}}, {"keys": "x"}, {"keys": ({},)}, b"", b"[]", b"{}", b"null",
        b'{"keys":{}}', b'{"keys":[],"keys":[]}', b'{"keys":[NaN]}', b"\xff", '{"keys":[]}'.encode("utf-16"),
        b'{"keys":' + b"[" * 50 + b"]" * 50 + b"}", b'{"keys":[]}' + b" " * KEY_SET_BYTES_MAX, {"keys": [{}] * (KEYS_MAX + 1)},
        b"-----BEGIN PUBLIC KEY-----\n",
    ],
)  # fmt: skip
def test_what_is_no_key_set_is_refused_as_a_whole(source: Any) -> None:
    """Something that is no set of keys, or is too long, is a typed error."""
    with pytest.raises(Misconfigured):
        KeySet.parse(source)


def test_the_longest_set_is_read() -> None:
    """A hundred keys are read, be they good or not; so is a set without any."""
    assert len(KeySet.parse(jwks(*[{}] * KEYS_MAX)).skipped) == KEYS_MAX
    assert KeySet.parse(b'{"keys":[]}').keys == ()


def test_a_key_is_found_by_its_name() -> None:
    """A name finds its key and no other; no name finds the only key of a set."""
    found = KeySet.parse(jwks(jwk("ES256", kid="a"), jwk("RS256", kid="b")))
    assert found.find("b") is found.keys[1]
    assert found.find("c") is found.find(None) is None
    assert "a" in found
    assert "c" not in found
    alone = KeySet.parse(jwks(jwk("ES256", kid="a")))
    assert alone.find(None) is alone.keys[0]
    assert KeySet().find(None) is None


def test_a_revoked_key_leaves_the_set() -> None:
    """Without its revoked names a set has the other keys, however often it is fetched again."""
    source = jwks(jwk("ES256", kid="a"), jwk("RS256", kid="b"))
    for _ in range(2):
        assert kids(KeySet.parse(source).without({"a"})) == ["b"]
    assert kids(KeySet.parse(source).without(())) == ["a", "b"]


def test_published_and_shared_sets_are_joined() -> None:
    """Both sets count; a name that both have belongs to neither."""
    published = KeySet.parse(jwks({}, jwk("ES256", kid="a"), jwk("RS256", kid="shared"), jwk("Ed25519", kid=None)))
    shared = KeySet.parse(jwks(jwk("HS256"), jwk("HS256", kid="other")), shared=True)
    joined = published.joined(shared)
    assert kids(joined) == ["a", None, "other"]
    assert joined.skipped == published.skipped
    assert kids(published.joined(KeySet())) == ["a", "shared", None]
