"""What other JOSE libraries got wrong, one test for each id: signatures, keys and forms."""

from __future__ import annotations

import json
import time
import tracemalloc
import zlib
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from tallystick.core.keys.algorithms import check_for
from tallystick.core.keys.encoding import decode, encode
from tallystick.core.keys.jwk import parse
from tallystick.core.keys.jws import TOKEN_MAX, verify_compact
from tallystick.core.keys.key_set import KeySet
from tallystick.errors import CredentialMalformed, KeyUnknown, Misconfigured, Rejected, SignatureInvalid
from tests.conformance.attacks import (
    bare,
    encrypted,
    hmac_refused_everywhere,
    imported,
    imports_of_the_product,
    public_text,
    refusal,
    refused_twice,
)
from tests.unit.core.keys.jose import ALGORITHMS, PUBLIC, SECRET, claims, header, jwk, jwks, mac, sign, token

ES256 = jwks(jwk("ES256"))
GOOD = token("ES256", claims())


def test_the_token_that_the_attacks_change_is_good() -> None:
    """What every test here breaks is accepted before it is broken."""
    assert bare(GOOD, ES256) == claims()


def test_cve_2017_11424_pkcs1_pem_as_hmac_secret() -> None:
    """A public key in PKCS#1 PEM is never an HMAC secret."""
    assert hmac_refused_everywhere(public_text("pkcs1"))


def test_cve_2022_29217_openssh_key_as_hmac_secret() -> None:
    """A public key in the OpenSSH format is never an HMAC secret."""
    assert hmac_refused_everywhere(public_text("openssh"))


def test_cve_2026_48526_jwk_text_as_hmac_secret() -> None:
    """The JSON text of a public JWK is never an HMAC secret."""
    assert hmac_refused_everywhere(json.dumps(jwk("RS256")).encode())


def test_cve_2026_102268_mutated_pem_as_hmac_secret() -> None:
    """A PEM text with other white space or line ends is never an HMAC secret."""
    pem = public_text("spki")
    for mutated in (
        b" " + pem,
        pem.replace(b"\n", b"\r\n"),
        pem.replace(b"\n", b""),
        pem.replace(b" ", b"\t"),
        b"\n\n" + pem,
    ):
        assert hmac_refused_everywhere(mutated)


def test_cve_2026_102273_jwks_text_as_hmac_secret() -> None:
    """The JSON text of a whole key set is never an HMAC secret, however deep the key lies in it."""
    for text in (jwks(jwk("RS256")), {"issuer": {"jwks": jwks(jwk("RS256"))}}):
        assert hmac_refused_everywhere(json.dumps(text).encode())


def test_cve_2024_33663_openssh_ecdsa_key_as_hmac_secret() -> None:
    """Nor is any public key a secret where RSA and HMAC are both allowed: the key fixes the algorithm."""
    assert hmac_refused_everywhere(
        b"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA== ada@host"
    )
    for algorithm in PUBLIC:
        forged = token(algorithm, claims(), header(algorithm, alg="HS256"), by=lambda signed: mac(SECRET, signed))
        with pytest.raises(SignatureInvalid):
            verify_compact(forged, jwks(jwk(algorithm)), ALGORITHMS)


def test_cve_2024_37568_hmac_with_an_asymmetric_key_by_default() -> None:
    """Who names no algorithms gets no HMAC for a public key: the bare check has no such default."""
    for kind in ("spki", "pkcs1", "openssh"):
        forged = token(
            "RS256", claims(), header("RS256", alg="HS256"), by=lambda signed, kind=kind: mac(public_text(kind), signed)
        )
        assert refusal(forged, jwks(jwk("RS256"))) == "credential.signature_invalid"


def test_cve_2023_48223_pem_that_a_pattern_overlooks() -> None:
    """No pattern decides what a key is: a text in place of a key set, PEM or not, gives no key at all."""
    pem = public_text("spki")
    for text in (pem, pem.decode(), b"\0" + pem, pem.replace(b"PUBLIC", b"RSA  PUBLIC"), b"", ""):
        with pytest.raises(KeyUnknown):
            verify_compact(GOOD, text, ALGORITHMS)  # type: ignore[arg-type]
        assert hmac_refused_everywhere(pem if not text else text if isinstance(text, bytes) else text.encode())


def test_cve_2026_32597_unknown_crit() -> None:
    """A token that names an extension as critical is refused: none is understood (RFC 7515 section 4.1.11)."""
    for crit in (["exp2"], ["b64"], ["alg"], [], "exp2", None, [7]):
        assert refused_twice(token("ES256", claims(), {**header("ES256"), "crit": crit, "exp2": 1}), ES256)


def test_cve_2025_59420_crit_with_a_header_that_is_there() -> None:
    """It does not help that the critical header is present and looks harmless."""
    head = {**header("ES256"), "crit": ["bork"], "bork": True}
    assert refusal(token("ES256", claims(), head), ES256) == "credential.malformed"


def test_python_jose_413_crit_ignored() -> None:
    """A critical header is never overlooked, for no algorithm."""
    for algorithm in ALGORITHMS:
        head = {**header(algorithm), "crit": ["http://example.com/UNDEFINED"], "http://example.com/UNDEFINED": True}
        assert refused_twice(token(algorithm, claims(), head), jwks(jwk(algorithm)))


def test_cve_2026_48523_header_checked_and_another_algorithm_used() -> None:
    """That the header's algorithm is allowed is not enough: it must be the key's own, which alone verifies."""
    pinned = jwks(jwk("PS256", kid="k"))
    pss, pkcs1 = (token(name, claims(), header(name, kid="k")) for name in ("PS256", "RS256"))
    swapped = token("PS256", claims(), header("PS256", kid="k", alg="RS256"))
    assert verify_compact(pss, pinned, ["RS256", "PS256"])
    for presented in (pkcs1, swapped):
        with pytest.raises(SignatureInvalid):
            verify_compact(presented, pinned, ["RS256", "PS256"])


def test_cve_2026_48525_unencoded_payload() -> None:
    """A token with `b64` is refused, be it false or true, before any payload is touched (RFC 7797)."""
    for b64 in (False, True, 0, "false"):
        head = {**header("ES256"), "b64": b64, "crit": ["b64"]}
        assert refused_twice(token("ES256", claims(), head), ES256)
        del head["crit"]
        assert refused_twice(token("ES256", claims(), head), ES256)
    first = encode(json.dumps({**header("ES256"), "b64": False}).encode())
    assert refused_twice(f"{first}.{'.' * 10_000}.AAAA", ES256)


def test_cve_2026_48990_unencoded_payload_past_the_limit() -> None:
    """No header lifts the bound on length: the whole text counts, before anything is decoded."""
    first = encode(json.dumps({**header("ES256"), "b64": False, "crit": ["b64"]}).encode())
    with pytest.raises(CredentialMalformed, match="too long"):
        verify_compact(f"{first}.{'x' * TOKEN_MAX}.AAAA", ES256, ALGORITHMS)


def test_cve_2025_65015_oversized_values_in_errors() -> None:
    """An error never carries what was presented: neither a huge value nor a secret gets into a log by it."""
    huge = "v" * 9000
    for presented in (
        token("ES256", claims(iss=huge)),
        token("ES256", claims(aud=huge)),
        token("ES256", claims(exp=huge)),
        token("ES256", claims(), header("ES256", kid=huge)),
        token("ES256", claims(), header("ES256", alg=huge)),
        token("ES256", claims(), header("ES256", typ=huge)),
        "v" * 100_000,
    ):
        with pytest.raises(Rejected) as caught:
            bare(presented, ES256)
        assert "vvvv" not in str(caught.value) + caught.value.public + repr(caught.value)


def test_cve_2026_102266_empty_oct_key() -> None:
    """A symmetric key that is empty or short verifies nothing, not even what was signed with it."""
    for secret in (b"", b"\0", bytes(31)):
        keys = jwks(jwk("HS256", k=encode(secret)))
        assert refused_twice(token("HS256", claims(), by=lambda signed, secret=secret: mac(secret, signed)), keys)


def test_cve_2026_102269_non_canonical_signature_text() -> None:
    """A signature has one spelling: unused bits, padding and the other alphabet are refused."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for algorithm in ALGORITHMS:
        good = token(algorithm, claims())
        last = alphabet.index(good[-1])
        assert refused_twice(good[:-1] + alphabet[last + 1], jwks(jwk(algorithm)))
        for more in ("=", "==", " ", "\n", "%3D"):
            assert refused_twice(good + more, jwks(jwk(algorithm)))


def test_cve_2026_62995_trailing_padding() -> None:
    """Padding is refused behind every part, however much of it would be right."""
    parts = GOOD.split(".")
    for place in range(3):
        right = "=" * (-len(parts[place]) % 4)
        for padding in {right, "=", "==", "===="} - {""}:
            assert refused_twice(".".join((*parts[:place], parts[place] + padding, *parts[place + 1 :])), ES256)


def test_cve_2026_102274_one_malformed_member_of_a_set() -> None:
    """A broken key beside a good one does not take the good one away."""
    broken: tuple[Any, ...] = (
        None,
        7,
        "x",
        [],
        {},
        {"kty": "EC"},
        jwk("RS256", n="!"),
        jwk("Ed25519", x="AA"),
        {"kty": ["EC"]},
    )
    assert bare(GOOD, jwks(*broken, jwk("ES256"), *broken))["sid"] == claims()["sid"]


def test_cve_2026_102275_private_okp_whose_public_half_disagrees() -> None:
    """A private key has no place in a key set, so none whose halves disagree is ever taken for good."""
    victim, attacker = jwk("Ed25519"), encode(bytes(range(32)))
    made = token("Ed25519", claims())
    for shared in (False, True):
        assert KeySet.parse(jwks({**victim, "d": attacker}), shared=shared).keys == ()
    assert refused_twice(made, jwks({**victim, "d": attacker}))
    assert bare(made, jwks(victim))


def test_cve_2016_7036_hmac_compared_in_varying_time() -> None:
    """The comparison is left to the library's constant-time one: ours sees neither the right MAC nor where texts differ."""
    check = check_for("HS256", parse(jwk("HS256"), shared=True).native)
    names = check.__code__.co_names  # type: ignore[attr-defined]
    assert "verify" in names
    assert not {"finalize", "digest", "hexdigest"} & set(names)
    good = sign("HS256", b"message")
    check(good, b"message")
    for wrong in (b"", good[:-1], good + b"\0", bytes([good[0] ^ 1]) + good[1:], good[:-1] + bytes([good[-1] ^ 1])):
        with pytest.raises(InvalidSignature):
            check(wrong, b"message")


def test_cve_2024_33664_compressed_bomb() -> None:
    """Nothing is ever decompressed: the product has no inflater to hand a token to, and encrypted forms are refused."""
    bomb = zlib.compress(b"0" * 50_000_000)[2:-4]
    presented = ".".join(
        (encode(b'{"alg":"dir","enc":"A128GCM","zip":"DEF"}'), "", encode(bytes(12)), encode(bomb[:6000]), "AAAA")
    )
    assert refused_twice(presented, ES256)
    assert "zlib" in imported("import zlib")
    for path, names in imports_of_the_product().items():
        if path.startswith(("core/", "verifier/")):
            assert not names & {"zlib", "gzip", "bz2", "lzma", "zlib.decompress"}, path


def test_cve_2025_62706_bomb_in_a_signed_token() -> None:
    """A signed payload that says it is compressed is read as it is, so it is no access token and takes no memory."""
    bomb = zlib.compress(b"0" * 5_000_000)[2:-4]
    presented = token("ES256", bomb, header("ES256", zip="DEF"))
    tracemalloc.start()
    try:
        assert verify_compact(presented, ES256, ["ES256"]) == bomb
        assert refusal(presented, ES256) == "credential.malformed"
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_cve_2024_28102_bomb_under_the_limit_of_length() -> None:
    """An encrypted form of any length is refused by its number of parts, not by what is in it."""
    for size in (10, 1000, 12_000):
        presented = encrypted(alg="dir", enc="A256GCM", zip="DEF") + "A" * size
        with pytest.raises(CredentialMalformed, match="three parts"):
            verify_compact(presented, ES256, ALGORITHMS)


def test_cve_2016_6298_rsa1_5_oracle() -> None:
    """There is no RSA decryption, so there is no oracle: every token that asks for it gets the same answer."""
    codes = {
        refusal(encrypted(alg=alg, enc="A128CBC-HS256", kid=jwk("RS256")["kid"])[:-4] + text, jwks(jwk("RS256")))
        for alg in ("RSA1_5", "RSA-OAEP")
        for text in ("AAAA", "BBBB", "CCCC")
    }
    assert codes == {"credential.malformed"}
    head = header("RS256", alg="RSA1_5")
    assert refusal(token("RS256", claims(), head), jwks(jwk("RS256"))) == "credential.signature_invalid"


def test_cve_2023_6681_huge_pbes2_count() -> None:
    """A token that asks for two thousand million rounds of key derivation is refused without one."""
    begun = time.process_time()
    presented = encrypted(alg="PBES2-HS256+A128KW", enc="A128GCM", p2c=2_147_483_647, p2s="AAAA")
    assert refused_twice(presented, jwks(jwk("HS256")))
    signed = token("HS256", claims(), header("HS256", alg="PBES2-HS256+A128KW", p2c=2_147_483_647, p2s="AAAA"))
    assert refused_twice(signed, jwks(jwk("HS256")))
    assert time.process_time() - begun < 1.0


def test_cve_2025_61920_unbounded_header_and_signature() -> None:
    """Header, payload and signature are bounded together, before any of them is decoded."""
    head, body, signature = GOOD.split(".")
    for parts in (("A" * 20_000, body, signature), (head, "A" * 20_000, signature), (head, body, "A" * 20_000)):
        with pytest.raises(CredentialMalformed, match="too long"):
            verify_compact(".".join(parts), ES256, ALGORITHMS)


@pytest.mark.parametrize("keys", [None, {}, {"keys": []}, {"keys": [None]}, {"keys": None}])
def test_cve_2026_27962_no_key_means_the_tokens_own(keys: Any) -> None:
    """Without a key nothing verifies: a key that the token brings along is a reason to refuse."""
    head = header("ES256", jwk=jwk("ES256"), kid=None)
    assert refused_twice(token("ES256", claims(), head), keys)
    assert refused_twice(token("ES256", claims(), header("ES256", kid=None)), keys)
    with pytest.raises(CredentialMalformed):
        verify_compact(token("ES256", claims(), {**header("ES256"), "jwk": jwk("ES256")}), ES256, ["ES256"])


def test_cve_2026_28498_unknown_algorithm_passes() -> None:
    """An algorithm that is not known fails: no check is ever made for it, so none can be passed."""
    for algorithm in ("ES999", "", "none", "sha0"):
        for name in ALGORITHMS:
            with pytest.raises(ValueError):
                check_for(algorithm, parse(jwk(name), shared=True).native)
        assert refused_twice(token("ES256", claims(), header("ES256", alg=algorithm)), ES256, [*ALGORITHMS, algorithm])


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", "none "])
def test_cve_2026_28802_none_with_a_blank_signature(name: str) -> None:
    """`none` in any writing is refused with a blank signature, with any other and without a kid, even if it is asked for."""
    for algorithm in ALGORITHMS:
        for head in (header(algorithm, alg=name), header(algorithm, alg=name, kid=None)):
            for signature in (b"", b" ", bytes(64)):
                made = token(algorithm, claims(), head, by=lambda _, signature=signature: signature)
                assert refused_twice(made, jwks(jwk(algorithm)), [*ALGORITHMS, name])


def test_cve_2020_26244_algorithm_of_an_id_token_unchecked() -> None:
    """An ID token is no credential, signed or not, and what is not signed is nothing at all."""
    for typ in ("JWT", None, "id_token+jwt"):
        assert refusal(token("ES256", claims(nonce="n"), header("ES256", typ=typ)), ES256) == "credential.malformed"
        unsigned = token("ES256", claims(nonce="n"), header("ES256", typ=typ, alg="none"), by=lambda _: b"")
        assert refused_twice(unsigned, ES256)


JSON_FORMS: dict[str, Any] = {
    "no signatures": {"payload": GOOD.split(".")[1], "signatures": []},
    "a signature of nothing": {"payload": GOOD.split(".")[1], "signatures": [{}]},
    "blank": {"payload": GOOD.split(".")[1], "protected": GOOD.split(".")[0], "signature": ""},
    "good, general": {
        "payload": GOOD.split(".")[1],
        "signatures": [{"protected": GOOD.split(".")[0], "signature": GOOD.split(".")[2]}],
    },
    "good, flattened": dict(zip(("protected", "payload", "signature"), GOOD.split("."), strict=True)),
}


def test_cve_2026_96760_empty_list_of_signatures() -> None:
    """The JSON forms are not read at all, so no loop over no signatures can end well."""
    for form in JSON_FORMS.values():
        assert refused_twice(json.dumps(form), ES256)
        assert refused_twice(json.dumps(form, separators=(",", ":")).encode(), ES256)


def test_cve_2026_102946_json_form_given_as_a_dict() -> None:
    """A dict in the place of a token is refused like any other thing that is no text."""
    for form in JSON_FORMS.values():
        assert refused_twice(form, ES256)


def test_cve_2022_39227_compact_and_json_read_by_different_code() -> None:
    """A text that is a compact token to one reader and JSON to another is refused: there is one reader."""
    head, body, signature = GOOD.split(".")
    forged = encode(json.dumps(claims(sub="the-admin")).encode())
    for text in (
        f'{{"  {head}.{forged}." : "", "protected":"{head}", "payload":"{body}", "signature":"{signature}"}}',
        f"{head}.{forged}.{signature}",
        f'{head}.{body}.{signature}"}}',
    ):
        assert refused_twice(text, ES256)
    assert json.loads(decode(body)) == bare(GOOD, ES256)


def test_ghsa_jc38_x7x8_2xc8_algorithm_from_an_unprotected_header() -> None:
    """A form that has an unprotected header is not read, so no algorithm can stand in one."""
    _, body, signature = GOOD.split(".")
    for unprotected in ({"alg": "none"}, {"alg": "HS256"}, {"alg": "ES256"}):
        form = {"payload": body, "protected": encode(b"{}"), "header": unprotected, "signature": signature}
        assert refused_twice(json.dumps(form), ES256)
    assert refused_twice(".".join((encode(b"{}"), body, signature)), ES256)


def test_cve_2022_23529_key_that_is_an_odd_object() -> None:
    """A key is what the strict parser makes of JSON: objects with manners of their own are skipped, and none of them runs."""

    class Odd(dict[str, Any]):
        def __str__(self) -> str:
            raise AssertionError("a key was turned into a text")

    odd = Odd(jwk("ES256"))
    assert KeySet.parse({"keys": [odd]}).keys == ()
    assert refused_twice(GOOD, jwks({**jwk("ES256"), "x": {"toString": "x"}}))


def test_cve_2022_23539_weak_and_foreign_key_types() -> None:
    """A key of another type than its algorithm, or weaker than the standards ask, is not taken."""
    for bad in (
        jwk("ES256", alg="RS256"),
        jwk("RS256", alg="ES256"),
        jwk("RS256", n=encode(b"\xff" * 128)),
        jwk("RS256", e="Aw"),
    ):
        assert KeySet.parse(jwks(bad), shared=True).keys == ()


def test_cve_2022_23540_none_by_default_where_the_key_is_falsy() -> None:
    """A key or list of algorithms that is empty means that nothing verifies, never that nothing is needed."""
    unsigned = token("ES256", claims(), header("ES256", alg="none", kid=None), by=lambda _: b"")
    for keys in (None, "", 0, False, {}, [], {"keys": []}):
        assert refused_twice(unsigned, keys, [])
        assert refused_twice(GOOD, keys, ["none"])


def test_cve_2022_23541_key_for_one_algorithm_used_for_another() -> None:
    """In a set with keys of both kinds, the kid finds one key and that key's algorithm is used, whatever the header says."""
    both = jwks(jwk("RS256", kid="public"), jwk("HS256", kid="secret"))
    for kid, alg, signer in (("public", "HS256", "HS256"), ("secret", "RS256", "RS256"), ("public", "RS256", "HS256")):
        with pytest.raises(SignatureInvalid):
            verify_compact(token(signer, claims(), header("RS256", kid=kid, alg=alg)), both, ALGORITHMS)
    assert verify_compact(token("HS256", claims(), header("HS256", kid="secret")), both, ALGORITHMS)


def _peak_of(presented: str) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(Rejected):
            verify_compact(presented, ES256, ALGORITHMS)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_cve_2025_27144_split_on_every_dot() -> None:
    """A token of nothing but dots costs no more memory than one with three parts of that length."""
    dots = "." * (TOKEN_MAX - 1)
    assert _peak_of(dots) < 4 * TOKEN_MAX
    assert _peak_of("." * 1_000_000) < 4 * TOKEN_MAX


def test_cve_2025_30204_header_full_of_dots() -> None:
    """A bearer value full of dots is refused for its form, at once."""
    with pytest.raises(CredentialMalformed):
        verify_compact(GOOD + "." * 10_000, ES256, ALGORITHMS)
    assert _peak_of(GOOD + "." * 10_000) < 8 * TOKEN_MAX


def test_a_key_set_in_the_wrong_place_is_a_typed_error() -> None:
    """Whoever parses a text that is no key set hears of it by name, so that no attack above ends in an accident."""
    with pytest.raises(Misconfigured):
        KeySet.parse(public_text("spki"))
