"""No change to a good token leaves a token that verifies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tallystick.core.keys.encoding import decode, encode
from tallystick.core.keys.jws import verify_compact
from tallystick.errors import Rejected
from tallystick.verifier.bare import verify_access_token
from tests.unit.core.keys.jose import ALGORITHMS, AUDIENCE, ISSUER, NOW, claims, header, jwk, jwks, token

GOOD = {name: token(name, claims()) for name in ALGORITHMS}
SIGNS = st.characters() | st.sampled_from(".=+/-_ \nAaBb09é\0")


def refused(presented: Any, algorithm: str) -> bool:
    """Tells whether both doors refuse a token."""
    refusals = 0
    for read in (
        lambda: verify_compact(presented, jwks(jwk(algorithm)), ALGORITHMS),
        lambda: verify_access_token(presented, jwks(jwk(algorithm)), issuer=ISSUER, audience=AUDIENCE, now=NOW),
    ):
        try:
            read()
        except Rejected:
            refusals += 1
    return refusals == 2


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_base_is_good(algorithm: str) -> None:
    """The tokens that are about to be changed verify."""
    assert verify_access_token(GOOD[algorithm], jwks(jwk(algorithm)), issuer=ISSUER, audience=AUDIENCE, now=NOW)


@settings(max_examples=400)
@given(st.sampled_from(ALGORITHMS), st.data())
def test_no_sign_can_be_replaced_removed_or_put_in(algorithm: str, data: st.DataObject) -> None:
    """A token with any one sign replaced, taken out or put in is refused."""
    good = GOOD[algorithm]
    place = data.draw(st.integers(0, len(good)))
    width = data.draw(st.integers(0, 2))
    changed = good[:place] + data.draw(st.text(SIGNS, max_size=2)) + good[place + width :]
    assume(changed != good)
    assert refused(changed, algorithm)


@given(st.sampled_from(ALGORITHMS), st.data())
def test_no_bit_of_a_part_can_be_changed(algorithm: str, data: st.DataObject) -> None:
    """A token with any one bit of its header, payload or signature flipped is refused."""
    parts = GOOD[algorithm].split(".")
    which = data.draw(st.integers(0, 2))
    raw = bytearray(decode(parts[which]))
    place = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[place // 8] ^= 1 << place % 8
    parts[which] = encode(bytes(raw))
    assert refused(".".join(parts), algorithm)


@given(st.permutations([0, 1, 2]), st.lists(st.sampled_from(ALGORITHMS), min_size=3, max_size=3))
def test_parts_of_tokens_cannot_be_mixed(order: list[int], sources: list[str]) -> None:
    """Parts of good tokens in another order, or of different tokens, make no good token."""
    other = {name: token(name, claims(sub="somebody-else")) for name in ("ES256", "HS256")}
    for pool in (GOOD, {**GOOD, **other}):
        made = ".".join(pool[source].split(".")[place] for source, place in zip(sources, order, strict=True))
        for algorithm in ALGORITHMS:
            if made not in (GOOD[algorithm], other.get(algorithm)):
                assert refused(made, algorithm)
    mixed = ".".join((*GOOD["ES256"].split(".")[:1], other["ES256"].split(".")[1], GOOD["ES256"].split(".")[2]))
    assert refused(mixed, "ES256")


@given(st.sampled_from(ALGORITHMS), st.sampled_from(ALGORITHMS))
def test_a_token_verifies_only_with_its_own_key(algorithm: str, other: str) -> None:
    """Under another key, be it of the same name, a token is refused."""
    assume(algorithm != other)
    renamed = jwk(other, kid=jwk(algorithm)["kid"])
    for keys in (jwks(jwk(other, kid="other")), jwks(renamed)):
        with pytest.raises(Rejected):
            verify_compact(GOOD[algorithm], keys, ALGORITHMS)


@given(
    st.sampled_from(ALGORITHMS), st.integers(0, 3), st.sampled_from([" ", "\t", "\n", "=", "==", ".", "\0", "AA", "A"])
)
def test_a_token_has_one_spelling(algorithm: str, place: int, more: str) -> None:
    """Nothing can be put before, between or behind the parts of a token, so that its text names it."""
    parts = GOOD[algorithm].split(".")
    spelled = [*parts[:place], more + parts[place], *parts[place + 1 :]] if place < 3 else [*parts[:2], parts[2] + more]
    assert refused(".".join(spelled), algorithm)


@given(st.dictionaries(st.sampled_from(["alg", "typ", "kid", "jwk", "crit", "b64"]), st.text(max_size=8), min_size=1))
def test_a_header_cannot_be_rewritten(changes: dict[str, str]) -> None:
    """Over the signature of another header, no header is believed."""
    head = {**header("ES256"), **changes}
    assume(head != header("ES256"))
    try:
        first = encode(json.dumps(head, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        return
    assert refused(".".join((first, *GOOD["ES256"].split(".")[1:])), "ES256")
