"""TOTP: the codes that an app shows (RFC 6238 over RFC 4226): HMAC-SHA-1, six digits, steps of thirty seconds.

A code is good for its own step and, since clocks differ and people type, for the one before and after it; but never for a
step up to the last one that was accepted, so that a code is good once (RFC 6238 section 5.2).
"""

from __future__ import annotations

import hmac
from base64 import b32encode
from urllib.parse import quote, urlencode

STEP_S = 30
DIGITS = 6
WINDOW = 1
"""Steps before and after the present one that are looked at."""
SECRET_BYTES = 20
"""The length of the HMAC's output, as RFC 4226 section 4 recommends."""


def code_at(secret: bytes, step: int) -> str:
    """Gives the code of a step (RFC 4226 section 5.3).

    Args:
        secret: shared with the app.
        step: how many steps of thirty seconds have passed since 1970.
    """
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def matching_step(secret: bytes, typed: str, now: int, last_step: int) -> int | None:
    """Finds the step whose code was typed.

    Args:
        secret: shared with the app.
        typed: as typed; blanks do not count.
        now: the instant, by the server's clock alone.
        last_step: the last step that was accepted; -1 if none was.

    Returns:
        The step, which becomes the account's last one; None if the code is wrong, too old, too early or was used.
    """
    code = "".join(typed.split())
    if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        return None
    present = now // STEP_S
    found = None
    for step in range(max(0, present - WINDOW), present + WINDOW + 1):
        # Every step is looked at, so that the time says nothing.
        if hmac.compare_digest(code_at(secret, step), code) and step > last_step and found is None:
            found = step
    return found


def written_secret(secret: bytes) -> str:
    """Gives a secret in base 32, as people type it into an app."""
    return b32encode(secret).rstrip(b"=").decode()


def provisioning_uri(secret: bytes, issuer: str, account: str) -> str:
    """Gives the `otpauth:` URI that an app reads from a QR code.

    Args:
        secret: shared with the app.
        issuer: the name that the app shows above the code; a colon in it is left out.
        account: whose code it is.
    """
    name = issuer.replace(":", "")
    label = f"{quote(name, safe='')}:{quote(account, safe='@')}"
    query = urlencode(
        {"secret": written_secret(secret), "issuer": name, "algorithm": "SHA1", "digits": DIGITS, "period": STEP_S},
        quote_via=quote,
    )
    return f"otpauth://totp/{label}?{query}"
