"""Responses: JSON that nobody may keep."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from tallystick.authority.issued import Tokens

NO_STORE = {"Cache-Control": "no-store"}


def json_reply(
    body: Mapping[str, Any],
    status: int = 200,
    headers: Mapping[str, str] = NO_STORE,
    media_type: str = "application/json",
) -> Response:
    """Gives a JSON response; not to be stored, unless other headers are given."""
    return Response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), status, headers, media_type=media_type
    )


def token_reply(tokens: Tokens) -> Response:
    """Gives an OAuth token response (RFC 6749 section 5.1)."""
    body: dict[str, object] = {
        "access_token": tokens.access_token.reveal(),
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
    }
    if tokens.refresh_token is not None:
        body["refresh_token"] = tokens.refresh_token.reveal()
    if tokens.scope:
        body["scope"] = " ".join(sorted(tokens.scope))
    return json_reply(body)
