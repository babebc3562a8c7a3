"""What anybody may read: the key set and the metadata of the authority."""

from __future__ import annotations

import hashlib
import json

from starlette.requests import Request
from starlette.responses import Response

from tallystick.authority.authority import Authority
from tallystick.web.endpoints.oauth import AUTHENTICATION_METHODS, GRANT_TYPES


class WellKnown:
    """The documents under `/.well-known`.

    Args:
        authority: whose.
    """

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self._caching = f"public, max-age={authority.policy.key_set_max_age}, must-revalidate"

    async def key_set(self, request: Request) -> Response:
        """GET `/.well-known/jwks.json`: the public keys (RFC 7517 section 5)."""
        return self._document(request, await self.authority.key_set(), "application/jwk-set+json")

    async def metadata(self, request: Request) -> Response:
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
        return self._document(request, json.dumps(document).encode(), "application/json")

    def _document(self, request: Request, content: bytes, media_type: str) -> Response:
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": self._caching}
        # RFC 9110 section 13.1.2: the weak comparison, a list, or `*`.
        known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
        if tag in known or "*" in known:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=media_type)
