"""The signatures that the standards print: those of our algorithms verify, the others are refused."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest

from tallystick.core.keys.jws import verify_compact
from tallystick.errors import Rejected

VECTORS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("rfc_jws.json").read_text())
GOOD = [vector for vector in VECTORS if vector["accepted"]]
OTHERS = [vector for vector in VECTORS if not vector["accepted"]]


def named(vector: dict[str, Any]) -> str:
    """Names a vector by its place in the standards."""
    return str(vector["name"])


@pytest.mark.parametrize("vector", GOOD, ids=named)
def test_a_printed_signature_verifies(vector: dict[str, Any]) -> None:
    """The example gives its payload with its own key and algorithm, and the standards' claims with it."""
    payload = verify_compact(".".join(vector["token"]), {"keys": [vector["jwk"]]}, [vector["algorithm"]])
    assert payload == urlsafe_b64decode(vector["token"][1] + "==")
    assert b'"iss":"joe"' in payload or b"Frodo" in payload or payload == b"Example of Ed25519 signing"


@pytest.mark.parametrize("vector", GOOD, ids=named)
def test_a_printed_signature_holds_only_for_what_it_signed(vector: dict[str, Any]) -> None:
    """The example with another payload, or with one sign of its signature changed, is refused."""
    head, payload, signature = vector["token"]
    changed = ("B" if signature[0] == "A" else "A") + signature[1:]
    for parts in ((head, payload[:-4], signature), (head, payload, changed)):
        with pytest.raises(Rejected):
            verify_compact(".".join(parts), {"keys": [vector["jwk"]]}, [vector["algorithm"]])


@pytest.mark.parametrize("vector", OTHERS, ids=named)
def test_a_form_or_algorithm_that_we_do_not_have_is_refused(vector: dict[str, Any]) -> None:
    """Examples without a signature, without a payload or with other algorithms are refused, even when they are asked for."""
    with pytest.raises(Rejected):
        verify_compact(
            ".".join(vector["token"]), {"keys": [vector["jwk"]]}, [vector["algorithm"], "ES256", "RS256", "HS256"]
        )


def test_all_the_standards_are_here() -> None:
    """The examples of RFC 7515, RFC 7520 and RFC 8037 that concern compact signatures are all checked."""
    assert [named(vector).split(" (")[0] for vector in VECTORS] == [
        "RFC 7515 A.1",
        "RFC 7515 A.2",
        "RFC 7515 A.3",
        "RFC 7515 A.5",
        "RFC 8037 A.4",
        "RFC 7520 4.1",
        "RFC 7520 4.2",
        "RFC 7520 4.3",
        "RFC 7520 4.4",
        "RFC 7520 4.5",
    ]
