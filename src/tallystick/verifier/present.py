"""Finds the headers of whatever a framework calls a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tallystick.http import Headers

_ENVIRON = {"HTTP_AUTHORIZATION": b"authorization", "HTTP_COOKIE": b"cookie"}


def headers_of(connection: Any) -> Headers:
    """Gives headers as ASGI has them: pairs of bytes, names in lower case.

    Args:
        connection: a request or websocket with `scope`; an ASGI scope; a WSGI environ; a mapping of header names to
            texts; or headers as ASGI gives them.
    """
    scope = getattr(connection, "scope", connection)
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
