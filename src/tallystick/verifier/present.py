"""Finds the headers of whatever a framework calls a request, and the digest of what came in its cookie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tallystick.core.credentials.cookie import digest_of_cookie
from tallystick.core.secret import Digest
from tallystick.errors import CredentialMalformed
from tallystick.http import Headers

_ENVIRON = {"HTTP_AUTHORIZATION": b"authorization", "HTTP_COOKIE": b"cookie"}


def headers_of(connection: Any) -> Headers:
    """Gives headers as ASGI has them: pairs of bytes, names in lower case.

    Args:
        connection: a request or websocket with `scope`; an ASGI scope; a WSGI environ; a mapping of header names to
            texts; or headers as ASGI gives them.
    """
    scope = connection if type(connection) is dict else getattr(connection, "scope", connection)
    if type(scope) is dict and type(scope.get("type")) is str and "headers" in scope:
        asgi: Headers = scope["headers"]
        return asgi
    if not isinstance(scope, Mapping):
        found: Headers = scope
        return found
    if isinstance(scope.get("type"), str) and "headers" in scope:
        headers: Headers = scope["headers"]
        return headers
    if "REQUEST_METHOD" in scope:
        return [(name, scope[key].encode("utf-8", "replace")) for key, name in _ENVIRON.items() if key in scope]
    return [
        (name.lower().encode("utf-8", "replace"), value.encode("utf-8", "replace")) for name, value in scope.items()
    ]


def digest_of(value: str) -> Digest:
    """Gives the digest of a session cookie's value; raises CredentialMalformed if it cannot be one."""
    digest = digest_of_cookie(value)
    if digest is None:
        raise CredentialMalformed("the cookie is no session cookie")
    return digest
