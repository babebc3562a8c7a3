"""The device cookie on the wire. It opens nothing: who has it is not kept out by what strangers guess."""

from __future__ import annotations

from tallystick.identity.device import LIFETIME

DEVICE_COOKIE_NAME = "__Host-Http-ts-device"
LOCAL_DEVICE_COOKIE_NAME = "ts-device"
"""Its name on http://localhost, where browsers refuse the prefix."""


def device_cookie_name_of(issuer: str) -> str:
    """Gives the name of the device cookie under an issuer URL: the plain one only on http, which is localhost."""
    return LOCAL_DEVICE_COOKIE_NAME if issuer.startswith("http://") else DEVICE_COOKIE_NAME


def set_device_cookie(issuer: str, value: str) -> str:
    """Writes the Set-Cookie header of a device cookie: as the session cookie's, for as long as browsers keep one."""
    secure = "" if issuer.startswith("http://") else "; Secure"
    return f"{device_cookie_name_of(issuer)}={value}; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age={LIFETIME}"
