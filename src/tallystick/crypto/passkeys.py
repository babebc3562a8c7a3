"""The ceremonies of WebAuthn, by the library `webauthn`, which is loaded when the first one begins."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from binascii import Error
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tallystick.errors import AuthenticationFailed
from tallystick.http import origin_of
from tallystick.identity.authenticators import Passkey
from tallystick.identity.passkey import CREDENTIAL_ID_BYTES_MAX, rp_id_of
from tallystick.ports import Asserted, Attested, Named

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

_TRANSPORTS = frozenset({"usb", "nfc", "ble", "smart-card", "hybrid", "internal"})
_TIMEOUT_MS = 300_000
_PUBLIC = "The passkey was not accepted."


class WebAuthn:
    """The ceremonies for one issuer.

    Args:
        issuer: its host is the relying party id, its origin the only one.
    """

    def __init__(self, issuer: str) -> None:
        self._rp_id, self._origin = rp_id_of(issuer), origin_of(issuer)

    def creation_options(
        self, *, user_handle: bytes, user_name: str, challenge: bytes, excluded: Sequence[Passkey]
    ) -> Mapping[str, object]:
        """Gives creation options: a discoverable passkey with user verification, no attestation."""
        import webauthn
        from webauthn.helpers.structs import (
            AuthenticatorSelectionCriteria,
            ResidentKeyRequirement,
            UserVerificationRequirement,
        )

        options = webauthn.generate_registration_options(
            rp_id=self._rp_id,
            rp_name=self._rp_id,
            user_id=user_handle,
            user_name=user_name,
            challenge=challenge,
            timeout=_TIMEOUT_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_descriptors(excluded),
        )
        return _as_json(webauthn.options_to_json(options))

    def attested(self, response: str, challenge: bytes) -> Attested:
        """Verifies what a new passkey answered."""
        import webauthn

        given = _object(response)
        try:
            _demand_own_frame(given)
            found = webauthn.verify_registration_response(
                credential=given,
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except Exception as error:  # noqa: BLE001  (whatever a parser of foreign bytes stumbles over is a no)
            raise _refused(error) from None
        if not 0 < len(found.credential_id) <= CREDENTIAL_ID_BYTES_MAX:
            raise AuthenticationFailed("the passkey's id is too long", public=_PUBLIC)
        return Attested(
            found.credential_id,
            found.credential_public_key,
            found.sign_count,
            _transports(given),
            found.credential_backed_up,
        )

    def request_options(self, *, challenge: bytes, allowed: Sequence[Passkey]) -> Mapping[str, object]:
        """Gives request options."""
        import webauthn
        from webauthn.helpers.structs import UserVerificationRequirement

        options = webauthn.generate_authentication_options(
            rp_id=self._rp_id,
            challenge=challenge,
            timeout=_TIMEOUT_MS,
            allow_credentials=_descriptors(allowed),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return _as_json(webauthn.options_to_json(options))

    def named(self, response: str) -> Named:
        """Reads which passkey an answer names."""
        given = _object(response)
        answer = given.get("response")
        handle = answer.get("userHandle") if isinstance(answer, dict) else None
        return Named(_bytes(given.get("id")), b"" if handle is None else _bytes(handle))

    def asserted(self, response: str, challenge: bytes, passkey: Passkey) -> Asserted:
        """Verifies what a passkey answered. The counter is judged by the caller."""
        import webauthn

        given = _object(response)
        try:
            _demand_own_frame(given)
            found = webauthn.verify_authentication_response(
                credential=given,
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except Exception as error:  # noqa: BLE001  (whatever a parser of foreign bytes stumbles over is a no)
            raise _refused(error) from None
        if found.credential_id != passkey.id:
            raise AuthenticationFailed("another passkey answered", public=_PUBLIC)
        return Asserted(found.new_sign_count, found.credential_backed_up)


def _demand_own_frame(given: Mapping[str, Any]) -> None:
    """Refuses what was signed in a frame of another site's page (WebAuthn section 13.4.9); the library does not look."""
    said = json.loads(_bytes(given["response"]["clientDataJSON"]))
    if said.get("crossOrigin", False) is not False or "topOrigin" in said:
        raise ValueError("signed in another site's frame")


def _descriptors(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    from webauthn.helpers.structs import AuthenticatorTransport, PublicKeyCredentialDescriptor

    return [
        PublicKeyCredentialDescriptor(
            id=one.id, transports=[AuthenticatorTransport(name) for name in one.transports] or None
        )
        for one in passkeys
    ]


def _as_json(text: str) -> Mapping[str, object]:
    found: dict[str, object] = json.loads(text)
    return found


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise AuthenticationFailed("the answer is no JSON object", public=_PUBLIC)
    return found


def _bytes(text: object) -> bytes:
    if not isinstance(text, str) or not text.isascii():
        raise AuthenticationFailed("a member of the answer is no base64url", public=_PUBLIC)
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Error, ValueError):
        raise AuthenticationFailed("a member of the answer is no base64url", public=_PUBLIC) from None


def _transports(given: Mapping[str, Any]) -> tuple[str, ...]:
    answer = given.get("response")
    named = answer.get("transports") if isinstance(answer, dict) else None
    if not isinstance(named, list):
        return ()
    return tuple(dict.fromkeys(one for one in named if isinstance(one, str) and one in _TRANSPORTS))


def _refused(error: Exception) -> AuthenticationFailed:
    if isinstance(error, AuthenticationFailed):
        return error
    # The text of the library may quote what was sent; its kind says enough.
    return AuthenticationFailed(f"the passkey's answer: {type(error).__name__}", public=_PUBLIC)
