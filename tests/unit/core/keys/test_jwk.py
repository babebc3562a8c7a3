"""One JSON Web Key: what is taken, what is refused, how it is rendered and named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tallystick.core.ids import KeyId
from tallystick.core.keys import jwk as module
from tallystick.core.keys.algorithms import check_for
from tallystick.core.keys.encoding import encode
from tallystick.core.keys.jwk import kid_of, parse, public_jwk, thumbprint
from tests.unit.core.keys.jose import ALGORITHMS, PUBLIC, jwk, private_key, sign

P25519 = 2**255 - 19


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_good_key_is_read(algorithm: str) -> None:
    """A key of each algorithm is read with its name, and verifies what its private half signed."""
    key = parse(jwk(algorithm), shared=algorithm == "HS256")
    assert (key.kid, key.algorithms) == (jwk(algorithm)["kid"], (algorithm,))
    check_for(algorithm, key.native)(sign(algorithm, b"a message"), b"a message")


def test_a_key_that_names_no_algorithm_gets_it_from_its_type() -> None:
    """The type and curve say the algorithm; an RSA key may be for either of two."""
    found = [parse(jwk(name, alg=None), shared=True).algorithms for name in ALGORITHMS]
    assert found == [("ES256",), ("RS256", "PS256"), ("RS256", "PS256"), ("Ed25519",), ("HS256",)]
    assert parse(jwk("Ed25519", alg="EdDSA"), shared=False).algorithms == ("Ed25519",)


def test_a_check_wants_its_own_kind_of_key() -> None:
    """No algorithm can be made ready with a key of another kind."""
    for algorithm, other in (("HS256", "RS256"), ("ES256", "RS256"), ("RS256", "HS256"), ("none", "ES256")):
        with pytest.raises(ValueError):
            check_for(algorithm, parse(jwk(other), shared=True).native)


def test_optional_members_are_respected() -> None:
    """A kid may be missing, `use` and `key_ops` may allow verification, unknown members are of no account."""
    key = parse(jwk("ES256", kid=None, use="sig", key_ops=["verify"], x5t="abc", ext=True), shared=False)
    assert key.kid is None


def small_order_points() -> list[int]:
    """Gives the y of every point whose order divides 8: 0, 1, -1 and the two of order 8, by solving for them."""
    d = -121665 * pow(121666, -1, P25519) % P25519
    root_of_minus_one = pow(2, (P25519 - 1) // 4, P25519)

    def root(square: int) -> int | None:
        for candidate in (
            pow(square, (P25519 + 3) // 8, P25519),
            pow(square, (P25519 + 3) // 8, P25519) * root_of_minus_one,
        ):
            if candidate * candidate % P25519 == square % P25519:
                return candidate % P25519
        return None

    # Doubling to y = 0 needs x² = −y²; with −x² + y² = 1 + d·x²·y² that is d·y⁴ + 2·y² − 1 = 0.
    rooted = root(1 + d)
    assert rooted is not None
    found = [0, 1, P25519 - 1]
    for sign_of_root in (1, -1):
        square = (-1 + sign_of_root * rooted) * pow(d, -1, P25519) % P25519
        y = root(square)
        if y is not None:
            found += [y, P25519 - y]
    return found


def test_weak_curve_points_are_refused() -> None:
    """A public key under which anybody could make signatures is no key, with either sign of its x."""
    points = small_order_points()
    assert len(points) == 5
    for y in points:
        for sign_bit in (0, 1 << 255):
            with pytest.raises(ValueError, match="large group"):
                parse(jwk("Ed25519", x=encode((y | sign_bit).to_bytes(32, "little"))), shared=False)


def test_every_honest_ed25519_key_is_taken() -> None:
    """Keys made from any seed pass the check of their point."""
    for number in range(40):
        private = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
        assert parse(public_jwk(private.public_key(), "Ed25519"), shared=False)


def off_curve() -> str:
    """Gives an x of 32 octets that no point of Ed25519 has: its y² leaves no root for x."""
    return encode((2).to_bytes(32, "little"))


REFUSED: dict[str, Any] = {
    "not an object": "key",
    "a list": [],
    "no type": jwk("ES256", kty=None),
    "a type that is no text": jwk("ES256", kty=1),
    "an unknown type": jwk("ES256", kty="AKP"),
    "another case of a type": jwk("ES256", kty="ec"),
    "another curve": jwk("ES256", crv="P-384"),
    "no curve": jwk("ES256", crv=None),
    "a point off the curve": jwk("ES256", y=jwk("ES256")["x"]),
    "the point at zero": jwk("ES256", x=encode(bytes(32)), y=encode(bytes(32))),
    "a coordinate over the field": jwk("ES256", x=encode(b"\xff" * 32)),
    "a short coordinate": jwk("ES256", x=encode(bytes(31))),
    "a short second coordinate": jwk("ES256", y=encode(bytes(31))),
    "a long coordinate": jwk("ES256", x=encode(bytes(33))),
    "a padded coordinate": jwk("ES256", x=jwk("ES256")["x"] + "="),
    "a coordinate that is a number": jwk("ES256", x=7),
    "a missing coordinate": jwk("ES256", y=None),
    "a coordinate outside ASCII": jwk("ES256", x="é"),
    "another OKP curve": jwk("Ed25519", crv="X25519"),
    "a short OKP key": jwk("Ed25519", x=encode(bytes(31))),
    "a long OKP key": jwk("Ed25519", x=encode(bytes(33))),
    "an OKP key off the curve": jwk("Ed25519", x=off_curve()),
    "an OKP key over the field": jwk("Ed25519", x=encode((P25519 + 3).to_bytes(32, "little"))),
    "a small modulus": jwk("RS256", n=encode(b"\xff" * 128)),
    "a modulus of 2047 bits": jwk("RS256", n=encode(b"\x7f" + b"\xff" * 255)),
    "a huge modulus": jwk("RS256", n=encode(b"\xff" * 1025)),
    "a modulus of 8192 bits and one": jwk("RS256", n=encode(b"\x01" + b"\xff" * 1024)),
    "an even modulus": jwk("RS256", n=encode(b"\xff" * 255 + b"\xfe")),
    "a modulus with a zero octet before it": jwk("RS256", n=encode(b"\0" + b"\xff" * 256)),
    "an empty modulus": jwk("RS256", n=""),
    "exponent 1": jwk("RS256", e="AQ"),
    "exponent 3": jwk("RS256", e="Aw"),
    "an even exponent": jwk("RS256", e=encode(b"\x01\x00\x02")),
    "a huge exponent": jwk("RS256", e=encode(b"\x01" + bytes(5) + b"\x01")),
    "another use": jwk("ES256", use="enc"),
    "a use that is no text": jwk("ES256", use=["sig"]),
    "other operations": jwk("ES256", key_ops=["sign"]),
    "operations that are no list": jwk("ES256", key_ops="verify"),
    "an algorithm of another type": jwk("ES256", alg="RS256"),
    "an HMAC algorithm on a public key": jwk("RS256", alg="HS256"),
    "an algorithm of another curve": jwk("ES256", alg="ES384"),
    "the algorithm none": jwk("ES256", alg="none"),
    "an algorithm that is no text": jwk("ES256", alg=["ES256"]),
    "a kid that is a number": jwk("ES256", kid=1),
    "an empty kid": jwk("ES256", kid=""),
    "a long kid": jwk("ES256", kid="k" * 257),
    "an EC private key": jwk("ES256", d="AQ"),
    "an OKP private key": jwk("Ed25519", d="AQ"),
    "an RSA private key": jwk("RS256", p="AQ"),
    "an EC key with octets": jwk("ES256", k="AQ"),
    "a symmetric key with a private member": jwk("HS256", d="AQ"),
    "an empty symmetric key": jwk("HS256", k=""),
    "no symmetric key": jwk("HS256", k=None),
    "a symmetric key of 31 octets": jwk("HS256", k=encode(bytes(31))),
    "a symmetric key of 1025 octets": jwk("HS256", k=encode(bytes(1025))),
}


@pytest.mark.parametrize("found", REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_key_is_refused(found: Any) -> None:
    """A weak, private, malformed or foreign key is refused, and the reason shows none of its values."""
    with pytest.raises(ValueError) as caught:
        parse(found, shared=True)
    if isinstance(found, dict):
        texts = [value for name, value in found.items() if name in ("x", "y", "n", "k") and isinstance(value, str)]
        assert not any(text in str(caught.value) for text in texts if len(text) > 8)


def test_a_symmetric_key_is_never_published() -> None:
    """A symmetric key counts only in a set that was handed over in secret, and its octets never print."""
    with pytest.raises(ValueError, match="published"):
        parse(jwk("HS256"), shared=False)
    assert "HMAC" not in repr(parse(jwk("HS256"), shared=True))
    assert parse(jwk("HS256", k=encode(bytes(1024))), shared=True)


def texts_of_a_public_key() -> dict[str, bytes]:
    """Gives a public key in every text that anybody might pass on as a secret."""
    public = private_key("RS256").public_key()
    pem, der, ssh = serialization.Encoding.PEM, serialization.Encoding.DER, serialization.Encoding.OpenSSH
    spki = public.public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    pkcs1 = public.public_bytes(pem, serialization.PublicFormat.PKCS1)
    ecdsa, edwards = private_key("ES256").public_key(), private_key("Ed25519").public_key()
    return {
        "SPKI in PEM": spki,
        "PKCS#1 in PEM": pkcs1,
        "PEM with CRLF": spki.replace(b"\n", b"\r\n"),
        "PEM behind white space": b" \t\n" + spki,
        "PEM with broken lines": spki.replace(b"-----BEGIN", b"-----\nBEGIN"),
        "SPKI in DER": public.public_bytes(der, serialization.PublicFormat.SubjectPublicKeyInfo),
        "PKCS#1 in DER": public.public_bytes(der, serialization.PublicFormat.PKCS1),
        "EC SPKI in DER": ecdsa.public_bytes(der, serialization.PublicFormat.SubjectPublicKeyInfo),
        "Ed25519 SPKI in DER": edwards.public_bytes(der, serialization.PublicFormat.SubjectPublicKeyInfo),
        "RSA for OpenSSH": public.public_bytes(ssh, serialization.PublicFormat.OpenSSH),
        "ECDSA for OpenSSH": ecdsa.public_bytes(ssh, serialization.PublicFormat.OpenSSH),
        "a JWK": json.dumps(jwk("ES256")).encode(),
        "a JWK, indented": b"\n " + json.dumps(jwk("ES256"), indent=2).encode(),
        "a JWKS": json.dumps({"keys": [jwk("ES256")]}).encode(),
    }


@pytest.mark.parametrize("text", texts_of_a_public_key().values(), ids=texts_of_a_public_key().keys())
def test_the_text_of_a_public_key_is_no_secret(text: bytes) -> None:
    """Whoever puts a public key where a secret belongs is told so, whatever its format."""
    with pytest.raises(ValueError, match="public key"):
        parse(jwk("HS256", k=encode(text)), shared=True)


def test_random_octets_are_a_secret() -> None:
    """No random key is taken for the text of a public one, whatever octet it begins with."""
    for first in range(256):
        for length in (32, 48, 64):
            assert parse(jwk("HS256", k=encode(bytes([first]) + b"\x20\x91" + bytes(length))), shared=True)


def test_a_key_that_the_library_refuses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the cryptographic library does not know a curve, the key is skipped like any bad one."""

    def unknown(_: object) -> None:
        raise UnsupportedAlgorithm("not in this build")

    monkeypatch.setitem(module._KINDS, "EC", (("ES256",), unknown))
    with pytest.raises(ValueError, match="library"):
        parse(jwk("ES256"), shared=False)


def test_thumbprints_are_those_of_the_standards() -> None:
    """The examples of RFC 7638 section 3.1 and RFC 8037 appendix A.3 come out, and a kid is their first 22 characters."""
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
        "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qM"
        "QvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJ"
        "zKnqDKgw"
    )
    example = {"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    assert thumbprint(example) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    okp = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(okp) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert kid_of(okp) == KeyId("kPrK_qmxVWaYVA9wwBF6Iu")
    assert KeyId.parse(kid_of(okp)) is not None
    for bad in ({"kty": "AKP"}, {"kty": "EC", "crv": "P-256", "x": "AQ"}, {}):
        with pytest.raises(ValueError):
            thumbprint(bad)


@pytest.mark.parametrize("algorithm", PUBLIC)
def test_a_public_key_is_rendered_for_publishing(algorithm: str) -> None:
    """What is published has no private member, names use, algorithm and kid, and is read back as the same key."""
    rendered = public_jwk(private_key(algorithm).public_key(), algorithm)
    assert (rendered["use"], rendered["alg"], rendered["kid"]) == ("sig", algorithm, kid_of(rendered))
    assert not rendered.keys() & {"d", "p", "q", "dp", "dq", "qi", "k"}
    assert parse(rendered, shared=False).algorithms == (algorithm,)
    assert all(isinstance(value, str) for value in rendered.values())


def test_what_could_not_be_read_is_not_rendered() -> None:
    """A key is not published for an algorithm that is not its own, nor one that is too weak."""
    with pytest.raises(ValueError):
        public_jwk(private_key("ES256").public_key(), "RS256")
    with pytest.raises(ValueError):
        public_jwk(private_key("RS256").public_key(), "EdDSA")
    with pytest.raises(ValueError):
        public_jwk(rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key(), "RS256")
    with pytest.raises(ValueError):
        public_jwk(ec.derive_private_key(7, ec.SECP384R1()).public_key(), "ES256")
