"""The signer: access tokens that the strict verifier accepts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tallystick.core.ids import KeyId
from tallystick.core.keys.encoding import decode
from tallystick.core.keys.jws import verify_compact
from tallystick.core.keys.lifecycle import KeyState, SigningKey, published
from tallystick.crypto.root_key import RootKey
from tallystick.crypto.sealer import RootSealer
from tallystick.crypto.signer import KeySigner
from tallystick.errors import Misconfigured, SignatureInvalid, TallystickError, Unavailable

SEALER = RootSealer(RootKey({1: bytes(range(200, 232))}))
CLAIMS = {"iss": "https://notes.example", "aud": "ü", "exp": 1_800_000_600, "amr": ["pwd"]}
ALGORITHMS = ["ES256", "RS256", "PS256", "Ed25519", "HS256"]
MAKER = KeySigner(SEALER)
KEYS = {
    algorithm: replace(MAKER.generate(algorithm, 100), state=KeyState.ACTIVE, active_at=200) for algorithm in ALGORITHMS
}


def signer_of(*keys: SigningKey) -> KeySigner:
    """Gives a signer that has loaded keys."""
    signer = KeySigner(SEALER)
    signer.load(keys)
    return signer


def key_set_of(signer: KeySigner, *keys: SigningKey) -> dict[str, Any]:
    """Gives the published and the shared keys as one JWKS."""
    shared = signer.shared_key_set() or {"keys": []}
    return {"keys": [*json.loads(published(keys))["keys"], *shared["keys"]]}  # type: ignore[misc]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_of_each_algorithm_verifies(algorithm: str) -> None:
    """What is signed is accepted by the strict check under the key set, and says exactly the claims."""
    key = KEYS[algorithm]
    signer = signer_of(key)
    token = signer.sign(CLAIMS)
    payload = verify_compact(token, key_set_of(signer, key), [algorithm])
    assert json.loads(payload) == CLAIMS
    assert payload == json.dumps(CLAIMS, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_header_names_algorithm_key_and_type(algorithm: str) -> None:
    """The header has alg, kid and typ at+jwt, and nothing else (RFC 9068 section 2.1)."""
    key = KEYS[algorithm]
    head = signer_of(key).sign({}).partition(".")[0]
    assert json.loads(decode(head)) == {"alg": algorithm, "kid": key.kid, "typ": "at+jwt"}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_new_key_is_announced_and_sealed(algorithm: str) -> None:
    """A new key does not sign yet, its name is short and no option, and its private half is sealed for it alone."""
    key = KEYS[algorithm]
    assert (key.created_at, key.announced_at, key.algorithm) == (100, 100, algorithm)
    assert KeyId.parse(key.kid) == key.kid
    assert len(key.kid) <= 22
    assert not key.kid.startswith("-")
    assert b'"d"' not in key.public
    private = SEALER.unseal(f"signing-key:{key.kid}", key.sealed)
    assert private not in key.sealed
    assert (key.public == b"") is (algorithm == "HS256")


def test_es256_signatures_always_have_64_octets() -> None:
    """R and S are padded to 32 octets each, also when they are short by chance (RFC 7518 section 3.4)."""
    signer = signer_of(KEYS["ES256"])
    tokens = {signer.sign({"jti": n}) for n in range(600)}
    assert {len(decode(token.rpartition(".")[2])) for token in tokens} == {64}
    assert all(verify_compact(token, key_set_of(signer, KEYS["ES256"]), ["ES256"]) for token in sorted(tokens)[:50])


def test_names_of_new_keys_are_never_taken_for_options() -> None:
    """No name begins with a dash, though one in 64 random ones would."""
    assert not [kid for kid in (MAKER.generate("Ed25519", 1).kid for _ in range(400)) if kid.startswith("-")]


def test_without_an_active_key_nothing_is_signed() -> None:
    """Before the first key, and when none is active, signing is our own trouble: 503, never a bad token."""
    signer = KeySigner(SEALER)
    assert signer.active is None
    for keys in ([], [replace(KEYS["ES256"], state=KeyState.RETIRING)]):
        signer.load(keys)
        assert signer.active is None
        with pytest.raises(Unavailable):
            signer.sign({})


def test_the_active_key_signs_and_a_rotation_changes_it() -> None:
    """When another key becomes active, the next token has its name; loading the same again changes nothing."""
    old, new = KEYS["ES256"], KEYS["Ed25519"]
    signer = signer_of(old, replace(new, state=KeyState.ANNOUNCED))
    assert signer.active == old.kid
    before = signer.sign({})
    signer.load([replace(old, state=KeyState.RETIRING), new])
    assert signer.active == new.kid
    signer.load([replace(old, state=KeyState.RETIRING), new])
    keys = key_set_of(signer, replace(old, state=KeyState.RETIRING), new)
    assert verify_compact(before, keys, ["ES256", "Ed25519"]) == b"{}"
    assert verify_compact(signer.sign({}), keys, ["ES256", "Ed25519"]) == b"{}"


def test_shared_keys_are_handed_over_apart() -> None:
    """HS256 keys are never published; verifiers of the trust domain get those that may still be met."""
    key = KEYS["HS256"]
    assert json.loads(published([key])) == {"keys": []}
    assert signer_of(KEYS["ES256"]).shared_key_set() is None
    for state, there in [
        ("announced", True),
        ("active", True),
        ("retiring", True),
        ("retired", False),
        ("revoked", False),
    ]:
        shared = signer_of(replace(key, state=KeyState(state))).shared_key_set()
        assert (shared is not None) is there
    handed = signer_of(key).shared_key_set()
    assert handed is not None
    assert [(one["kty"], one["alg"], one["use"], one["kid"]) for one in handed["keys"]] == [
        ("oct", "HS256", "sig", key.kid)
    ]  # type: ignore[attr-defined]


def test_a_token_of_another_key_does_not_verify() -> None:
    """Two keys of one algorithm do not accept each other's tokens, whatever name is written."""
    mine, other = KEYS["ES256"], MAKER.generate("ES256", 1)
    foreign = json.loads(published([other]))["keys"][0]
    with pytest.raises(SignatureInvalid):
        verify_compact(signer_of(mine).sign({}), {"keys": [{**foreign, "kid": mine.kid}]}, ["ES256"])


def test_a_private_half_of_another_key_is_refused() -> None:
    """CVE-2026-102275: a private half that does not belong to the published key never signs."""
    key, other = KEYS["Ed25519"], MAKER.generate("Ed25519", 1)
    swapped = SEALER.seal(f"signing-key:{key.kid}", SEALER.unseal(f"signing-key:{other.kid}", other.sealed))
    with pytest.raises(Misconfigured, match="another key"):
        signer_of(replace(key, sealed=swapped))


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519", "RS256"])
def test_a_damaged_or_unfitting_private_half_is_refused(algorithm: str) -> None:
    """A key that does not open, or is not one for its algorithm, is a mistake of the set-up and is named without its bytes."""
    key = KEYS[algorithm]
    damaged = SEALER.seal(f"signing-key:{key.kid}", b"not a key")
    unfitting = {"ES256": "Ed25519", "Ed25519": "RS256", "RS256": "ES256"}[algorithm]
    for broken in (replace(key, sealed=damaged), replace(key, algorithm=unfitting), replace(key, sealed=b"")):
        with pytest.raises(Misconfigured):
            signer_of(broken)


def test_a_failed_load_keeps_the_key_that_signs() -> None:
    """A process goes on with the key that it has when a new one does not open."""
    signer = signer_of(KEYS["ES256"])
    with pytest.raises(Misconfigured):
        signer.load([replace(KEYS["Ed25519"], sealed=b"")])
    assert signer.active == KEYS["ES256"].kid
    assert signer.sign({})


@pytest.mark.parametrize("algorithm", ["none", "ES512", "EdDSA", ""])
def test_other_algorithms_are_refused(algorithm: str) -> None:
    """No key is made for an algorithm that verifiers refuse."""
    with pytest.raises(Misconfigured):
        MAKER.generate(algorithm, 1)


@pytest.mark.parametrize("claims", [{"exp": float("nan")}, {"exp": float("inf")}])
def test_what_is_no_json_is_not_signed(claims: dict[str, float]) -> None:
    """A number that JSON does not have is a mistake of the program and leaves no token."""
    with pytest.raises(ValueError, match="JSON") as raised:
        signer_of(KEYS["ES256"]).sign(claims)
    assert not isinstance(raised.value, TallystickError)
