"""Passkeys: our rules around WebAuthn (Level 3). The ceremony itself is verified behind the `Passkeys` port.

WebAuthn's words clash with ours: its "credential" is called passkey here, its "verifier" is the authority.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from tallystick.core.ids import PrincipalId

CHALLENGE_BYTES = 32
PASSKEYS_MAX = 20
"""The most passkeys of one account."""
NAME_LENGTH_MAX = 60
CREDENTIAL_ID_BYTES_MAX = 1023


def rp_id_of(issuer: str) -> str:
    """Gives the relying party id of an issuer: its host, so that a passkey is good for this host alone."""
    return urlsplit(issuer).hostname or ""


def user_handle_of(principal: PrincipalId) -> bytes:
    """Gives the user handle of an account: its id, which says nothing about the person (WebAuthn section 14.6.1)."""
    return str(principal).encode()


def principal_of(user_handle: bytes) -> PrincipalId | None:
    """Gives whose a user handle is, or None if it is none of ours."""
    try:
        return PrincipalId.parse(user_handle.decode("ascii"))
    except UnicodeDecodeError:
        return None


def counts_on(stored: int, shown: int) -> bool:
    """Tells whether a signature counter goes on (WebAuthn section 6.1.1); a passkey that does not count shows 0 for ever.

    One that goes back is the sign of a copied passkey.
    """
    return shown > stored or shown == stored == 0


def name_of(typed: str) -> str:
    """Gives the name of a passkey as it is kept: printable, short, never empty."""
    printable = "".join(sign if sign.isprintable() else " " for sign in typed)
    return " ".join(printable.split())[:NAME_LENGTH_MAX] or "Passkey"
