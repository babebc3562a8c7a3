"""What a page says after a form was done: `?done=NAME` names one of these, so that a link can say nothing else."""

from __future__ import annotations

from collections.abc import Mapping

NOTICES: Mapping[str, str] = {
    "signed-out": "You are signed out.",
    "signed-up": "Your account is ready. Sign in with it.",
    "verified": "Your address is confirmed. You can sign in.",
    "reset": "Your password is changed, and every session has ended. Sign in with the new one.",
    "password": "Your password is changed. Every other session has ended.",
    "ended": "The session has ended.",
    "ended-others": "Every other session has ended.",
    "ended-all": "Every session has ended, this one too.",
    "totp-off": "The authenticator app is removed.",
    "totp-on": "The authenticator app is set up.",
    "passkey-added": "The passkey is added.",
    "passkey-removed": "The passkey is removed.",
    "confirmed": "Thank you, it is you.",
}
