"""Strict compact signatures: the key decides the algorithm, the caller which may be, the token nothing."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tallystick.core.keys.encoding import decode, encode
from tallystick.core.keys.jws import TOKEN_MAX, Header, LastKeySet, Reader, verify_compact
from tallystick.core.keys.key_set import KeySet
from tallystick.errors import CredentialMalformed, KeyUnknown, Misconfigured, SignatureInvalid
from tests.unit.core.keys.jose import ALGORITHMS, PUBLIC, SECRET, SHA256, header, jwk, jwks, mac, raw_ecdsa, sign, token

PAYLOAD = {"sub": "ada", "n": 1}


def everything(**changes: Any) -> dict[str, Any]:
    """Gives a set with a key for each algorithm."""
    return jwks(*(jwk(name, kid=f"k-{name}", **changes) for name in ALGORITHMS))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_good_token_gives_its_payload(algorithm: str) -> None:
    """A token of each algorithm verifies with its key alone and in a set of many, byte for byte."""
    made = token(algorithm, b"any octets \x00\xff")
    assert verify_compact(made, jwks(jwk(algorithm)), [algorithm]) == b"any octets \x00\xff"
    named = token(algorithm, PAYLOAD, header(algorithm, kid=f"k-{algorithm}"))
    assert verify_compact(named, everything(), ALGORITHMS) == b'{"sub":"ada","n":1}'


def test_the_old_name_of_ed25519_is_read() -> None:
    """EdDSA in a token, in a key or in the caller's list means Ed25519."""
    for head, key, allowed in (
        ("EdDSA", "Ed25519", "Ed25519"),
        ("Ed25519", "EdDSA", "EdDSA"),
        ("EdDSA", "EdDSA", "EdDSA"),
    ):
        made = token("Ed25519", PAYLOAD, header("Ed25519", alg=head))
        assert verify_compact(made, jwks(jwk("Ed25519", alg=key)), [allowed])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "claimed", [*ALGORITHMS, "none", "None", "NONE", "nOnE", "", "ES384", "es256", "HS512", "RSA1_5"]
)
def test_the_tokens_own_word_decides_nothing(algorithm: str, claimed: str) -> None:
    """A header that names another algorithm than the key's is refused, even over a signature that the key made."""
    made = token(algorithm, PAYLOAD, header(algorithm, alg=claimed))
    if claimed == algorithm:
        assert verify_compact(made, jwks(jwk(algorithm)), ALGORITHMS)
    else:
        with pytest.raises(SignatureInvalid):
            verify_compact(made, jwks(jwk(algorithm)), [*ALGORITHMS, claimed])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_caller_says_what_may_be(algorithm: str) -> None:
    """A good token is refused where its algorithm is not in the caller's list; an empty or unknown list allows nothing."""
    made = token(algorithm, PAYLOAD)
    for allowed in ([name for name in ALGORITHMS if name != algorithm], [], ["none"], [algorithm.lower()]):
        with pytest.raises((SignatureInvalid, KeyUnknown)):
            verify_compact(made, jwks(jwk(algorithm)), allowed)
    with pytest.raises(Misconfigured):
        verify_compact(made, jwks(jwk(algorithm)), algorithm)


def test_an_rsa_key_without_an_algorithm_has_one_all_the_same() -> None:
    """Such a key is for RS256; for PS256 only where the caller allows that alone. The token cannot choose."""
    nameless = jwks(jwk("RS256", alg=None, kid="rsa"))
    pkcs1, pss = (token(name, PAYLOAD, header(name, kid="rsa")) for name in ("RS256", "PS256"))
    assert verify_compact(pkcs1, nameless, ["PS256", "RS256"])
    with pytest.raises(SignatureInvalid):
        verify_compact(pss, nameless, ["PS256", "RS256"])
    assert verify_compact(pss, nameless, ["PS256"])
    with pytest.raises(SignatureInvalid):
        verify_compact(pkcs1, nameless, ["PS256"])


def test_a_public_key_makes_no_hmac() -> None:
    """A token whose HMAC was made with a public key is refused, whichever text of the key was the secret."""
    for algorithm in PUBLIC:
        made = token(algorithm, PAYLOAD, header(algorithm, alg="HS256"), by=lambda signed: mac(SECRET, signed))
        with pytest.raises(SignatureInvalid):
            verify_compact(made, jwks(jwk(algorithm)), ALGORITHMS)


def test_a_symmetric_key_counts_only_where_hs256_is_named() -> None:
    """A set with a symmetric key gives it to nobody who did not ask for HS256 by name."""
    with pytest.raises(KeyUnknown):
        verify_compact(token("HS256", PAYLOAD), jwks(jwk("HS256")), PUBLIC)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_another_signature_is_refused(algorithm: str) -> None:
    """A signature over other bytes, of another length or of nothing but zeros is refused."""
    good = token(algorithm, PAYLOAD)
    signed = good.rpartition(".")[0]
    length = len(sign(algorithm, b""))
    for raw in (
        sign(algorithm, b"other"),
        b"",
        b"\0",
        bytes(length),
        bytes(length - 1),
        bytes(length + 1),
        b"\xff" * length,
    ):
        with pytest.raises(SignatureInvalid):
            verify_compact(f"{signed}.{encode(raw)}", jwks(jwk(algorithm)), [algorithm])


def test_an_ecdsa_signature_has_one_form() -> None:
    """R and S are 32 octets each and not zero, in that order; DER is refused."""
    good = token("ES256", PAYLOAD)
    signed, _, signature = good.rpartition(".")
    raw = decode(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    for other in (der, raw[:32] + bytes(32), bytes(32) + raw[32:], raw[32:] + raw[:32], raw[:63], raw + b"\0"):
        with pytest.raises(SignatureInvalid):
            verify_compact(f"{signed}.{encode(other)}", jwks(jwk("ES256")), ["ES256"])


def test_every_shape_of_an_ecdsa_signature_verifies() -> None:
    """Signatures whose R or S begins with a zero octet, or with a high bit, are as good as the others."""
    wanted = {"zero R", "zero S", "high R", "high S", "low R", "low S"}
    for number in range(20_000):
        made = token("ES256", {"n": number})
        raw = decode(made.rpartition(".")[2])
        shapes = {f"{_shape(raw[0])} R", f"{_shape(raw[32])} S"} & wanted
        if shapes:
            assert verify_compact(made, jwks(jwk("ES256")), ["ES256"]) == b'{"n":%d}' % number
            wanted -= shapes
        if not wanted:
            break
    assert wanted == set()


def _shape(octet: int) -> str:
    return "zero" if octet == 0 else "high" if octet > 127 else "low"


HEADERS: dict[str, Any] = {
    "jwk": header("ES256", jwk=jwk("ES256")),
    "jku": header("ES256", jku="https://evil.example/jwks.json"),
    "x5u": header("ES256", x5u="https://evil.example/cert.pem"),
    "x5c": header("ES256", x5c=["MIIB"]),
    "crit unknown": header("ES256", crit=["exp2"], exp2=1),
    "crit known elsewhere": header("ES256", crit=["b64"], b64=False),
    "crit empty": header("ES256", crit=[]),
    "crit null": {**header("ES256"), "crit": None},
    "b64 false": header("ES256", b64=False),
    "b64 true": header("ES256", b64=True),
    "no alg": header("ES256", alg=None),
    "alg number": header("ES256", alg=1),
    "alg list": header("ES256", alg=["ES256"]),
    "kid number": header("ES256", kid=7),
    "kid object": header("ES256", kid={"a": 1}),
    "kid list": header("ES256", kid=["a"]),
    "typ number": header("ES256", typ=7),
    "not an object": ["ES256"],
    "empty": b"",
    "not JSON": b"alg:ES256",
    "alg twice": b'{"alg":"none","alg":"ES256"}',
    "not UTF-8": b'{"alg":"ES256","typ":"\xff"}',
    "UTF-16": '{"alg":"ES256"}'.encode("utf-16"),
    "deep": b'{"alg":"ES256","a":' + b"[" * 5000 + b"]" * 5000 + b"}",
}


@pytest.mark.parametrize("head", HEADERS.values(), ids=HEADERS.keys())
def test_a_bad_header_is_refused(head: Any) -> None:
    """Headers that bring or point to keys, name extensions, or are of the wrong form are refused though the key signed."""
    with pytest.raises(CredentialMalformed):
        verify_compact(token("ES256", PAYLOAD, head), jwks(jwk("ES256")), ["ES256"])


def test_other_headers_do_no_harm() -> None:
    """Members that say nothing about how to verify are of no account."""
    made = token("ES256", PAYLOAD, header("ES256", cty="JWT", x5t="abc", more={"a": [1]}))
    assert verify_compact(made, jwks(jwk("ES256")), ["ES256"])


def test_the_name_of_the_key_decides_which_key() -> None:
    """A kid that the set has not is refused; without a kid only a set of one key will do."""
    one, two = jwks(jwk("ES256")), jwks(jwk("ES256"), jwk("RS256"))
    nameless = token("ES256", PAYLOAD, header("ES256", kid=None))
    assert verify_compact(nameless, one, ["ES256"])
    assert verify_compact(nameless, jwks(jwk("ES256", kid=None)), ["ES256"])
    for keys in (two, jwks(jwk("ES256", kid=None), jwk("RS256", kid=None)), jwks()):
        with pytest.raises(KeyUnknown):
            verify_compact(nameless, keys, ["ES256"])
    for kid in ("other", "", "../../etc/passwd", "' or 1=1 --", "\u0000"):
        with pytest.raises(KeyUnknown):
            verify_compact(token("ES256", PAYLOAD, header("ES256", kid=kid)), two, ["ES256"])
    with pytest.raises(KeyUnknown):
        verify_compact(token("ES256", PAYLOAD), jwks(jwk("ES256", kid=None)), ["ES256"])


GOOD = token("ES256", PAYLOAD)
HEAD, BODY, SIGNATURE = GOOD.split(".")
MALFORMED: dict[str, Any] = {
    "None": None,
    "bytes": GOOD.encode(),
    "a number": 7,
    "a list": [GOOD],
    "empty": "",
    "one part": HEAD,
    "two parts": f"{HEAD}.{BODY}",
    "four parts": f"{GOOD}.",
    "four parts, one before": f".{GOOD}",
    "five parts": f"{HEAD}..{BODY}.{SIGNATURE}.{SIGNATURE}",
    "only dots": "..",
    "a thousand dots": "." * 1000,
    "no header": f".{BODY}.{SIGNATURE}",
    "padded signature": f"{GOOD}==",
    "padded payload": f"{HEAD}.{BODY}=.{SIGNATURE}",
    "padded header": f"{HEAD}=.{BODY}.{SIGNATURE}",
    "space before": f" {GOOD}",
    "line break after": f"{GOOD}\n",
    "space inside": f"{HEAD}.{BODY}. {SIGNATURE}",
    "null": f"{GOOD}\0",
    "other alphabet": f"{HEAD}.{BODY}.+{SIGNATURE[1:]}",
    "other alphabet's slash": f"{HEAD}.{BODY}./{SIGNATURE[1:]}",
    "unused bits": f"{HEAD}.{BODY}.{SIGNATURE[:-1]}{chr(ord(SIGNATURE[-1]) + 1)}",
    "impossible length": f"{HEAD}.{BODY}.{SIGNATURE}AAA",
    "not ASCII": f"{HEAD}.{BODY}.{SIGNATURE[:-1]}é",
    "not ASCII, signed part": f"{HEAD}.é{BODY}.{SIGNATURE}",
    "full-width": GOOD.replace("e", "ｅ"),
    "half a character": f"{GOOD}\ud800",
    "too long": "A" * (TOKEN_MAX + 1),
    "JSON form": '{"payload":"e30","signatures":[]}',
}


@pytest.mark.parametrize("presented", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_compact_token_is_refused(presented: Any) -> None:
    """Anything but three canonical parts in a text of bearable length is malformed."""
    with pytest.raises(CredentialMalformed):
        verify_compact(presented, jwks(jwk("ES256")), ["ES256"])


def test_the_bound_on_length_is_exact() -> None:
    """A token of 16 KiB is read; with one sign more it is refused before anything is decoded."""
    empty = len(token("ES256", b""))
    raw = bytes((TOKEN_MAX - empty) * 3 // 4)
    longest = token("ES256", raw)
    assert TOKEN_MAX - 4 < len(longest) <= TOKEN_MAX
    assert verify_compact(longest, jwks(jwk("ES256")), ["ES256"]) == raw
    with pytest.raises(CredentialMalformed):
        verify_compact(token("ES256", raw + bytes(6)), jwks(jwk("ES256")), ["ES256"])


def test_a_payload_is_canonical_even_when_it_is_signed() -> None:
    """A payload with unused bits set is refused though the key signed that text."""
    signed = f"{HEAD}.{encode(b'{}')[:-1]}{chr(ord(encode(b'{}')[-1]) + 1)}"
    with pytest.raises(CredentialMalformed):
        verify_compact(f"{signed}.{encode(sign('ES256', signed.encode()))}", jwks(jwk("ES256")), ["ES256"])


def test_a_signature_over_a_text_without_a_dot_is_no_token() -> None:
    """Two parts are refused though the key signed the first."""
    made = f"{HEAD}.{encode(sign('ES256', HEAD.encode()))}"
    with pytest.raises(CredentialMalformed):
        verify_compact(made, jwks(jwk("ES256")), ["ES256"])


def test_a_reader_gives_header_and_claims() -> None:
    """A reader says key, type and payload; a payload that is no strict object is refused."""
    reader = Reader(KeySet.parse(jwks(jwk("ES256"))))
    for _ in range(2):
        assert reader.read(token("ES256", PAYLOAD)) == (Header(jwk("ES256")["kid"], "at+jwt"), PAYLOAD)
    assert reader.read(token("ES256", b"\xff"), bytes)[1] == b"\xff"
    for payload in (b"", b"[]", b'{"a":1,"a":1}', b"\xff", b'{"exp":NaN}', b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"):
        with pytest.raises(CredentialMalformed):
            reader.read(token("ES256", payload))


def test_a_reader_remembers_only_headers_that_verified() -> None:
    """Headers are remembered after a good signature, and never more than a few, so that nobody can fill memory."""
    reader = Reader(KeySet.parse(jwks(jwk("ES256"))))
    for number in range(5):
        forged = token("ES256", PAYLOAD, header("ES256", n=number), by=lambda _: bytes(range(64)))
        with pytest.raises(SignatureInvalid):
            reader.read(forged)
    assert len(reader._headers) == 0
    for number in range(70):
        reader.read(token("ES256", PAYLOAD, header("ES256", n=number)))
    assert len(reader._headers) == 64
    with pytest.raises(SignatureInvalid):
        reader.read(f"{GOOD.rpartition('.')[0]}.{encode(bytes(range(64)))}")


def test_the_last_key_set_is_kept_by_content() -> None:
    """An equal set is not parsed again; a set that changed, even in place, is."""
    memory = LastKeySet()
    keys = jwks(jwk("ES256"))
    first = memory.reader(keys, ("ES256",))
    assert memory.reader(jwks(jwk("ES256")), ("ES256",)) is first
    assert memory.reader(keys, ("RS256",)) is not first
    again = memory.reader(keys, ("ES256",))
    keys["keys"][0]["kid"] = "renamed"
    assert memory.reader(keys, ("ES256",)) is not again
    with pytest.raises(KeyUnknown):
        verify_compact(GOOD, keys, ["ES256"])
    keys["keys"].clear()
    with pytest.raises(KeyUnknown):
        verify_compact(GOOD, keys, ["ES256"])


def test_a_set_says_whether_it_is_shared() -> None:
    """Where the caller names no algorithms, a set of symmetric keys only is a shared one; among others they do not count."""
    memory = LastKeySet()
    assert memory.reader(jwks(jwk("HS256")), None).read(token("HS256", PAYLOAD))
    for keys in (jwks(jwk("HS256"), jwk("ES256")), jwks(jwk("HS256"), {}), jwks(jwk("HS256"), "x")):
        with pytest.raises(KeyUnknown):
            memory.reader(keys, None).read(token("HS256", PAYLOAD))
    assert memory.reader(jwks(jwk("HS256"), jwk("ES256")), None).read(GOOD)


def a_set_in_itself() -> dict[str, Any]:
    """Gives a key set that contains itself."""
    keys: dict[str, Any] = {"keys": []}
    keys["keys"].append(keys)
    return keys


@pytest.mark.parametrize("keys", [None, [], {}, 7, "jwks", {"keys": {}}, {"keys": 1}, {1: 2}, a_set_in_itself()])
def test_what_is_no_key_set_verifies_nothing(keys: Any) -> None:
    """Without a key set there is no key: that is refused, not an accident."""
    with pytest.raises(KeyUnknown):
        verify_compact(GOOD, keys, ["ES256"])
    with pytest.raises(KeyUnknown):
        LastKeySet().reader(keys, None).read(GOOD)


def test_a_key_of_the_same_name_is_another_key() -> None:
    """A token signed by another key under the same name is refused."""
    other = ec.derive_private_key(99, ec.SECP256R1())
    forged = token("ES256", PAYLOAD, by=lambda signed: raw_ecdsa(other.sign(signed, ec.ECDSA(SHA256))))
    with pytest.raises(SignatureInvalid):
        verify_compact(forged, jwks(jwk("ES256")), ["ES256"])
