"""The ceremonies of passkeys: what a good one gives, and that each thing that may be wrong with one is noticed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto.passkeys import WebAuthn
from tallystick.errors import AuthenticationFailed
from tallystick.identity.authenticators import Passkey
from tests.support.soft_passkey import BACKED_UP, ELIGIBLE, PRESENT, VERIFIED, SoftPasskey, to_bytes, to_text

ISSUER = "https://notes.example/auth"
ORIGIN = "https://notes.example"
CHALLENGE, OTHER = bytes(range(32)), bytes(32)
HANDLE = b"A" * 22
LIBRARY = WebAuthn(ISSUER)


def creation(challenge: bytes = CHALLENGE, excluded: tuple[Passkey, ...] = ()) -> Any:
    """Gives what a browser is asked for a new passkey."""
    return LIBRARY.creation_options(
        user_handle=HANDLE, user_name="ada@example.com", challenge=challenge, excluded=excluded
    )


def request(challenge: bytes = CHALLENGE, allowed: tuple[Passkey, ...] = ()) -> Any:
    """Gives what a browser is asked for a signature."""
    return LIBRARY.request_options(challenge=challenge, allowed=allowed)


def enrolled(soft: SoftPasskey) -> Passkey:
    """Gives the row of a passkey that was made as it should be."""
    made = LIBRARY.attested(soft.create(creation()), CHALLENGE)
    return Passkey(made.id, made.public_key, made.sign_count, "phone", made.transports, made.backed_up, 1, 1)


def changed(answer: str, change: Callable[[dict[str, Any]], None]) -> str:
    """Gives an answer in which something was changed on the way."""
    found = json.loads(answer)
    change(found)
    return json.dumps(found)


@pytest.mark.parametrize(
    "text", ['{"id":"a"}', '{"id":"é"}', '{"id":7}', '{"id":"AAAA","response":{"userHandle":"a"}}', "[]"]
)
def test_an_answer_that_names_nothing_is_refused(text: str) -> None:
    """Before anything is verified, an answer must at least name a passkey, and an owner if it names one at all."""
    with pytest.raises(AuthenticationFailed):
        LIBRARY.named(text)


def test_a_new_passkey_is_taken() -> None:
    """Its id, key and known transports are kept; what it is asked for is discoverable, verified, without attestation."""
    soft = SoftPasskey(ORIGIN)
    options = creation()
    assert options["rp"]["id"] == "notes.example"
    assert options["attestation"] == "none"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    made = LIBRARY.attested(soft.create(options), CHALLENGE)
    assert (made.id, made.sign_count, made.backed_up) == (soft.id, 0, False)
    assert made.transports == ("internal", "hybrid")
    assert creation(excluded=(enrolled(soft),))["excludeCredentials"][0]["id"] == to_text(soft.id)


def test_a_signature_is_taken() -> None:
    """The counter and whether it is synced are told; the passkey names itself and its owner."""
    soft = SoftPasskey(ORIGIN)
    passkey = enrolled(soft)
    soft.flags |= ELIGIBLE | BACKED_UP
    options = request(allowed=(passkey,))
    assert options["userVerification"] == "required"
    assert options["allowCredentials"][0]["id"] == to_text(soft.id)
    answer = soft.get(options)
    asserted = LIBRARY.asserted(answer, CHALLENGE, passkey)
    assert (asserted.sign_count, asserted.backed_up) == (1, True)
    named = LIBRARY.named(answer)
    assert (named.id, named.user_handle) == (soft.id, HANDLE)
    assert LIBRARY.named(soft.get(options, handle=False)).user_handle == b""


WRONG: dict[str, Callable[[SoftPasskey], object]] = {
    "another origin": lambda soft: setattr(soft, "origin", "https://evil.example"),
    "plain http": lambda soft: setattr(soft, "origin", "http://notes.example"),
    "another port": lambda soft: setattr(soft, "origin", "https://notes.example:8443"),
    "a subdomain": lambda soft: setattr(soft, "origin", "https://x.notes.example"),
    "another relying party": lambda soft: setattr(soft, "rp_id", "example"),
    "nobody was there": lambda soft: setattr(soft, "flags", VERIFIED),
    "nobody was verified": lambda soft: setattr(soft, "flags", PRESENT),
    "backed up, but not eligible": lambda soft: setattr(soft, "flags", PRESENT | VERIFIED | BACKED_UP),
    "in another site's frame": lambda soft: soft.said.update(crossOrigin=True),
    "below another site": lambda soft: soft.said.update(topOrigin="https://evil.example"),
    "of another type": lambda soft: soft.said.update(type="webauthn.fetch"),
    "another challenge": lambda soft: soft.said.update(challenge=to_text(OTHER)),
    "no challenge": lambda soft: soft.said.update(challenge=""),
    "an origin that is no text": lambda soft: soft.said.update(origin=[ORIGIN]),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_signature_is_refused(wrong: str) -> None:
    """A passkey that signed something else, for somebody else, or unasked, signs nobody in."""
    soft = SoftPasskey(ORIGIN)
    passkey = enrolled(soft)
    WRONG[wrong](soft)
    with pytest.raises(AuthenticationFailed):
        LIBRARY.asserted(soft.get(request()), CHALLENGE, passkey)


@pytest.mark.parametrize("wrong", [name for name in WRONG if name != "another relying party"])
def test_a_wrong_new_passkey_is_refused(wrong: str) -> None:
    """What was made for something else is not enrolled."""
    soft = SoftPasskey(ORIGIN)
    WRONG[wrong](soft)
    with pytest.raises(AuthenticationFailed):
        LIBRARY.attested(soft.create(creation()), CHALLENGE)


def test_a_passkey_of_another_host_is_not_enrolled() -> None:
    """The authenticator signs for which host it made the key."""
    soft = SoftPasskey(ORIGIN)
    options = {**creation(), "rp": {"id": "example", "name": "x"}}
    with pytest.raises(AuthenticationFailed):
        LIBRARY.attested(soft.create(options), CHALLENGE)


def test_another_keys_signature_is_refused() -> None:
    """Whoever has the id of a passkey but not its key cannot sign."""
    soft = SoftPasskey(ORIGIN)
    passkey = enrolled(soft)
    thief = SoftPasskey(ORIGIN, id=soft.id, user_handle=soft.user_handle, rp_id=soft.rp_id)
    with pytest.raises(AuthenticationFailed):
        LIBRARY.asserted(thief.get(request()), CHALLENGE, passkey)


def test_the_answer_of_another_passkey_is_refused() -> None:
    """An answer under another id than the passkey's is not its answer, even with its key."""
    soft = SoftPasskey(ORIGIN)
    passkey = enrolled(soft)
    soft.id = b"another"
    with pytest.raises(AuthenticationFailed):
        LIBRARY.asserted(soft.get(request()), CHALLENGE, passkey)


def test_an_id_that_is_too_long_is_refused() -> None:
    """No row grows beyond what WebAuthn allows an id to have."""
    soft = SoftPasskey(ORIGIN, id=bytes(1024))
    with pytest.raises(AuthenticationFailed):
        LIBRARY.attested(soft.create(creation()), CHALLENGE)


@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature"])
def test_a_changed_byte_is_noticed(part: str) -> None:
    """Each part of an answer is under the signature, or is the signature."""
    soft = SoftPasskey(ORIGIN)
    passkey = enrolled(soft)

    def flip(found: dict[str, Any]) -> None:
        raw = bytearray(to_bytes(found["response"][part]))
        raw[-2] ^= 1
        found["response"][part] = to_text(bytes(raw))

    with pytest.raises(AuthenticationFailed):
        LIBRARY.asserted(changed(soft.get(request()), flip), CHALLENGE, passkey)


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", "[" * 5_000, '{"id":1}', '{"id":"é"}', '{"id":"a"}', '{"id":"AAAA","response":[]}',
     '{"id":"AAAA","response":{"userHandle":7}}', '{"id":"AAAA","response":{"clientDataJSON":"AAAA"}}'],
)  # fmt: skip
def test_what_is_no_answer_is_refused(text: str) -> None:
    """Junk is a wrong proof, and nothing worse."""
    passkey = enrolled(SoftPasskey(ORIGIN))
    with pytest.raises(AuthenticationFailed):
        LIBRARY.asserted(text, CHALLENGE, passkey)
    with pytest.raises(AuthenticationFailed):
        LIBRARY.attested(text, CHALLENGE)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SOFT = SoftPasskey(ORIGIN)
PASSKEY = enrolled(SOFT)
GOOD, MADE = SOFT.get(request()), SoftPasskey(ORIGIN).create(creation())


@given(
    answer=st.sampled_from([GOOD, MADE]),
    where=st.sampled_from(["id", "rawId", "type", "response", "clientDataJSON", "authenticatorData", "signature",
                           "userHandle", "attestationObject", "transports"]),
    value=json_values | st.binary(max_size=80).map(to_text),
)  # fmt: skip
def test_whatever_comes_is_an_answer_or_a_refusal(answer: str, where: str, value: Any) -> None:
    """No value in any place of an answer makes anything but a yes or a no."""

    def put(found: dict[str, Any]) -> None:
        (found if where in found else found["response"])[where] = value

    text = changed(answer, put)
    for call in (
        lambda: LIBRARY.named(text),
        lambda: LIBRARY.asserted(text, CHALLENGE, PASSKEY),
        lambda: LIBRARY.attested(text, CHALLENGE),
    ):
        with suppress(AuthenticationFailed):
            call()


def test_the_library_is_loaded_with_the_first_passkey() -> None:
    """Whoever runs an authority without passkeys does not pay for the library."""
    program = "import sys; from tallystick import Authority; Authority; print('webauthn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "False"
