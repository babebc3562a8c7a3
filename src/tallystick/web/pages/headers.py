"""The header fields of a page (OWASP ASVS 5, chapter V3)."""

from __future__ import annotations

from tallystick.web.call import Fields

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PERMISSIONS_POLICY = (
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=(), "
    "publickey-credentials-get=(self), publickey-credentials-create=(self)"
)
PAGE_HEADERS: Fields = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", PERMISSIONS_POLICY.encode()),
)
"""HSTS is not among them: the edge adds it to every answer on https."""


def wants_page(fields: dict[bytes, bytes]) -> bool:
    """Tells whether a request is a person's navigation, which is answered in HTML, and not a program's.

    Fetch Metadata says so where it is sent; else an `Accept` that names HTML does.

    Args:
        fields: header name in lower case → value.
    """
    mode = fields.get(b"sec-fetch-mode")
    if mode is not None:
        return mode == b"navigate"
    return b"text/html" in fields.get(b"accept", b"").lower()
