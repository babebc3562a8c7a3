"""A request whose body has arrived, and a reply that is whole.

Measured around a token request that does nothing: these two and a dictionary of paths cost 10 µs of CPU, Starlette's
router, Request and Response 26 µs. Of the 75 µs that such a request may cost in all (benchmarks/client_credentials.py),
that decides. Pages, which nobody asks for a thousand times a second, can be Starlette's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from starlette.types import Scope

from tallystick.authority.issued import Tokens
from tallystick.errors import InvalidRequest

LABEL_MAX = 200
Fields = tuple[tuple[bytes, bytes], ...]
NO_STORE: Fields = ((b"cache-control", b"no-store"),)
JSON_NO_STORE: Fields = ((b"content-type", b"application/json"), *NO_STORE)
_UNPRINTABLE = re.compile(r"[^\x20-\x7E]+")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Call:
    """A request.

    Args:
        scope: as ASGI gives it.
        fields: header name → value; of a name that came twice, the last.
        repeated: the names that came twice.
        body: at most 64 KiB.
    """

    __slots__ = ("body", "fields", "repeated", "scope")

    def __init__(self, scope: Scope, fields: dict[bytes, bytes], repeated: set[bytes], body: bytes) -> None:
        self.scope = scope
        self.fields = fields
        self.repeated = repeated
        self.body = body

    def single(self, name: bytes) -> bytes | None:
        """Gives a header that may come once, or None; raises InvalidRequest if it came twice."""
        if name in self.repeated:
            raise InvalidRequest(f"more than one {name!r}", public=f"The header {name.decode()} came twice.")
        return self.fields.get(name)

    @property
    def network(self) -> str:
        """The client's address: the peer's, or behind a listed proxy the one that it names (tallystick.proxies)."""
        peer = self.scope.get("client")
        return peer[0] if peer else "local"

    @property
    def label(self) -> str:
        """What a session may be recognised by: the User-Agent, printable and short."""
        agent = self.fields.get(b"user-agent", b"").decode("latin-1")
        return _UNPRINTABLE.sub(" ", agent)[:LABEL_MAX].strip()


class Reply(NamedTuple):
    """A reply.

    Args:
        status: the status code.
        fields: header fields, without Content-Length.
        body: of it.
    """

    status: int
    fields: Fields = NO_STORE
    body: bytes = b""


Handler = Callable[[Call], Awaitable[Reply]]
Table = Mapping[str, Mapping[str, Handler]]


def json_reply(content: Mapping[str, Any], status: int = 200, more: Fields = ()) -> Reply:
    """Gives a reply in JSON that nobody may store."""
    return Reply(status, JSON_NO_STORE + more, _encode(content).encode())


def token_reply(tokens: Tokens) -> Reply:
    """Gives an OAuth token response (RFC 6749 section 5.1)."""
    content: dict[str, object] = {
        "access_token": tokens.access_token.reveal(),
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
    }
    if tokens.refresh_token is not None:
        content["refresh_token"] = tokens.refresh_token.reveal()
    if tokens.scope:
        content["scope"] = " ".join(sorted(tokens.scope))
    return Reply(200, JSON_NO_STORE, _encode(content).encode())
