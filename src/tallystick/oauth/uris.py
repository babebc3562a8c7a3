"""The URIs that a client registers: where answers may go, and what its tokens may be meant for.

A registered URI is compared as an exact string, so nothing in it is a pattern (RFC 9700 section 2.1). Only the port of a
native client's loopback address is free, since it listens where the system lets it (RFC 8252 section 7.3).

Each function returns nothing for a good URI and otherwise the reason, a clause that follows the name of the field.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

URI_LENGTH_MAX = 2000
_SIGNS = re.compile(r"(?:[A-Za-z0-9\-._~:/?@!$&'()+,;=\[\]]|%[0-9A-Fa-f]{2})+")
"""The signs of a URI (RFC 3986 section 2) without `#`, which begins a fragment, and `*`, which reads like a pattern."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")
_ADDRESS_6 = re.compile(r"[0-9a-f:.]+")
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def why_not_redirect(uri: str, *, native: bool) -> str | None:
    """Tells why a URI cannot be one that an answer is sent to, or None.

    Args:
        uri: the URI to register.
        native: whether it is a native client's: only that may listen on the loopback address without TLS, on any port
            (RFC 8252 section 7.3), or have a scheme of its own with a dot in it (section 7.1).
    """
    parts = _parts(uri)
    if isinstance(parts, str):
        return parts
    if parts.scheme == "https":
        return _why_not_host(parts)
    if not native:
        return "must begin with https://"
    if parts.scheme == "http":
        return _why_not_host(parts) or (
            None if parts.hostname in _LOOPBACK else "must begin with https://, or be http on the loopback address"
        )
    if not _PRIVATE_SCHEME.fullmatch(parts.scheme):
        return "has a scheme of its own that is not a domain name read backwards, such as com.example.app"
    return "has a host, which a scheme of its own must not have" if parts.netloc else None


def why_not_audience(uri: str) -> str | None:
    """Tells why a URI cannot name a resource, or None: https, or http on the loopback address (RFC 8707 section 2)."""
    parts = _parts(uri)
    if isinstance(parts, str):
        return parts
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return _why_not_host(parts)
    return "must begin with https://, or be http on the loopback address"


def matches_redirect(registered: str, given: str, *, native: bool) -> bool:
    """Tells whether a URI of a request is a registered one: the same string, but for the port of a native loopback address.

    Args:
        registered: a URI of the client's row.
        given: the URI of the request.
        native: whether the client is a native one.
    """
    if registered == given:
        return True
    if not native or not registered.startswith("http://") or why_not_redirect(given, native=True) is not None:
        return False
    ours, theirs = urlsplit(registered), urlsplit(given)
    return theirs.scheme == "http" and _without_port(ours) == _without_port(theirs)


def _without_port(parts: SplitResult) -> tuple[str | None, str, str]:
    return parts.hostname, parts.path, parts.query


def _parts(uri: str) -> SplitResult | str:
    if not 0 < len(uri) <= URI_LENGTH_MAX:
        return f"must have 1 to {URI_LENGTH_MAX} characters"
    if "#" in uri:
        return "must not have a fragment"
    if "*" in uri:
        return "must not be a pattern"
    if not _SIGNS.fullmatch(uri):
        return "has a character that no URI has"
    if not _SCHEME.match(uri):
        return "must be absolute"
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return "has a host or port that cannot be"
    scheme = uri.partition(":")[0]
    if scheme != scheme.lower():
        return "must have its scheme in lower case"
    if any(step in (".", "..") for step in parts.path.split("/")):
        return "must not have . or .. as a step of its path"
    return parts


def _why_not_host(parts: SplitResult) -> str | None:
    if "@" in parts.netloc:
        return "must not have a name or password in it"
    host = parts.hostname or ""
    if parts.netloc != parts.netloc.lower():
        return "must have its host in lower case"
    bracketed = parts.netloc.startswith("[")
    if not (_ADDRESS_6 if bracketed else _HOST).fullmatch(host) or len(host) > 253 or parts.netloc.endswith(":"):
        return "has a host or port that cannot be"
    return None
