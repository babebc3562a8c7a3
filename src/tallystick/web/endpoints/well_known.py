"""What anybody may read: the key set and the metadata of the authority."""

from __future__ import annotations

import hashlib
import json

from tallystick.authority.authority import Authority
from tallystick.web.call import Call, Fields, Reply
from tallystick.web.endpoints.oauth import AUTHENTICATION_METHODS, GRANT_TYPES


class WellKnown:
    """The documents under `/.well-known`.

    Args:
        authority: whose.
    """

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self._caching = f"public, max-age={authority.policy.key_set_max_age}, must-revalidate".encode()

    async def key_set(self, call: Call) -> Reply:
        """GET `/.well-known/jwks.json`: the public keys (RFC 7517 section 5)."""
        return self._document(call, await self.authority.key_set(), b"application/jwk-set+json")

    async def metadata(self, call: Call) -> Reply:
        """GET `/.well-known/oauth-authorization-server`: what there is, and nothing else (RFC 8414 section 2)."""
        issuer = self.authority.issuer
        document = {
            "issuer": issuer,
            "token_endpoint": f"{issuer}/oauth/token",
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "response_types_supported": [],
            "grant_types_supported": list(GRANT_TYPES),
            "token_endpoint_auth_methods_supported": list(AUTHENTICATION_METHODS),
        }
        return self._document(call, json.dumps(document).encode(), b"application/json")

    def _document(self, call: Call, content: bytes, media_type: bytes) -> Reply:
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        fields: Fields = ((b"etag", tag.encode()), (b"cache-control", self._caching))
        # RFC 9110 section 13.1.2: the weak comparison, a list, or `*`.
        known = call.fields.get(b"if-none-match", b"").decode("latin-1").split(",")
        if not {"*", tag}.isdisjoint(one.strip().removeprefix("W/") for one in known):
            return Reply(304, fields)
        return Reply(200, (*fields, (b"content-type", media_type)), content)
