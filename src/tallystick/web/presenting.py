"""What every endpoint asks of a request: its credential, its network, its label, its one header of a name."""

from __future__ import annotations

import re
from collections.abc import Collection

from starlette.requests import Request

from tallystick.authority.authority import Authority
from tallystick.core.credentials.view import SessionView
from tallystick.errors import CredentialMalformed, CredentialMissing, InvalidRequest
from tallystick.http import Presented, cookie_name_of, guard, origin_of, presented, session_cookie

LABEL_MAX = 120
_UNPRINTABLE = re.compile(r"[^\x20-\x7E]+")


class Desk:
    """Reads credentials for one authority.

    Args:
        authority: whose.
        trusted_origins: whose pages may act for whoever is signed in, beside the issuer's own.
    """

    def __init__(self, authority: Authority, trusted_origins: Collection[str]) -> None:
        self.authority = authority
        self.origin = origin_of(authority.issuer)
        self.trusted_origins = trusted_origins
        self.cookie_name = cookie_name_of(authority.issuer)

    def credential(self, request: Request) -> Presented:
        """Gives the credential of a request that may change what it wants to.

        Raises:
            CredentialMissing, CredentialMalformed: there is none, or it cannot be read.
            CrossSite: it is a cookie, and the request may come from another site.
        """
        found = presented(request.scope["headers"], self.cookie_name)
        if found is None:
            raise CredentialMissing("neither a cookie nor a bearer")
        guard(request.method, request.scope["headers"], found, self.origin, self.trusted_origins)
        return found

    async def view(self, request: Request) -> SessionView:
        """Gives the session that a request presents; raises Rejected or Unavailable."""
        return await self.authority.session_of(request.scope)

    def cookie(self, request: Request) -> str | None:
        """Gives the session cookie of a request that signs in anew, so that a broken one is no obstacle."""
        cookies = [value for name, value in request.scope["headers"] if name == b"cookie"]
        try:
            return session_cookie(cookies, self.cookie_name)
        except CredentialMalformed:
            return None


def network_of(request: Request) -> str:
    """Gives the peer's address. Forwarded headers are not looked at: anybody can write them."""
    return request.client.host if request.client is not None else "local"


def label_of(request: Request) -> str:
    """Gives what a session may be recognised by: the User-Agent, printable and short."""
    return _UNPRINTABLE.sub(" ", request.headers.get("user-agent", ""))[:LABEL_MAX].strip()


def single(request: Request, name: str) -> str | None:
    """Gives a header that may come once, or None; raises InvalidRequest if it came twice."""
    values = request.headers.getlist(name)
    if len(values) > 1:
        raise InvalidRequest(f"more than one {name}", public=f"The header {name} came twice.")
    return values[0] if values else None
