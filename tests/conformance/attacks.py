"""What the attacks of others need: forged tokens, and keys in the wrong place."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tallystick.core.keys.encoding import encode
from tallystick.core.keys.jws import verify_compact
from tallystick.errors import Rejected
from tallystick.verifier.bare import verify_access_token
from tests.unit.core.keys.jose import (
    ALGORITHMS,
    AUDIENCE,
    ISSUER,
    NOW,
    claims,
    header,
    jwk,
    jwks,
    mac,
    private_key,
    token,
)

SOURCE = Path(__file__).resolve().parents[2] / "src" / "tallystick"
PEM_FORMATS = {"spki": PublicFormat.SubjectPublicKeyInfo, "pkcs1": PublicFormat.PKCS1}


def bare(presented: Any, keys: Any, **changes: Any) -> dict[str, Any]:
    """Verifies an access token for the usual issuer, audience and instant."""
    return verify_access_token(presented, keys, **{"issuer": ISSUER, "audience": AUDIENCE, "now": NOW, **changes})


def refusal(presented: Any, keys: Any, **changes: Any) -> str:
    """Gives the code with which an access token is refused, and sees to it that the bare signature check agrees."""
    with pytest.raises(Rejected) as caught:
        bare(presented, keys, **changes)
    return caught.value.code


def refused_twice(presented: Any, keys: Any, algorithms: Any = ALGORITHMS) -> bool:
    """Tells whether both the check of the signature alone and that of the whole token refuse."""
    with pytest.raises(Rejected):
        verify_compact(presented, keys, algorithms)
    with pytest.raises(Rejected):
        bare(presented, keys)
    return True


def public_text(kind: str) -> bytes:
    """Gives the RSA key of the tests as anybody may download it."""
    public = private_key("RS256").public_key()
    if kind == "openssh":
        return bytes(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    return bytes(public.public_bytes(Encoding.PEM, PEM_FORMATS[kind]))


def hmac_refused_everywhere(secret: bytes) -> bool:
    """Tells whether an HMAC made with a text that is public is refused, wherever a mistaken caller puts that text."""
    forged = token("RS256", claims(), header("RS256", alg="HS256"), by=lambda signed: mac(secret, signed))
    as_octets = jwks({"kty": "oct", "kid": jwk("RS256")["kid"], "alg": "HS256", "k": encode(secret)})
    for keys in (
        jwks(jwk("RS256")),
        jwks(jwk("RS256", alg=None)),
        as_octets,
        secret,
        secret.decode("utf-8", "replace"),
    ):
        refused_twice(forged, keys)
    return True


def encrypted(**members: Any) -> str:
    """Gives a token in five parts, as encryption writes them."""
    return ".".join(
        (encode(str(members).replace("'", '"').encode()), encode(b"key"), encode(b"iv"), encode(b"text"), "AAAA")
    )


def imported(text: str) -> set[str]:
    """Gives every module that a source text imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import():
                found |= {name.name for name in node.names}
            case ast.ImportFrom(module=str(module)):
                found |= {module, *(f"{module}.{name.name}" for name in node.names)}
    return found


def imports_of_the_product() -> dict[str, set[str]]:
    """Gives what each source file imports, by its path."""
    return {str(path.relative_to(SOURCE)): imported(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))}
