"""What the endpoints ask of a request: its credential, and whether it may change what it wants to."""

from __future__ import annotations

from collections.abc import Collection

from tallystick.authority.authority import Authority
from tallystick.core.credentials.view import SessionView
from tallystick.core.secret import Secret
from tallystick.errors import CredentialMalformed, CredentialMissing, CrossSite
from tallystick.http import (
    Decision,
    Presented,
    cookie_name_of,
    guard,
    origin_of,
    presented,
    same_origin,
    session_cookie,
)
from tallystick.web.bodies import JSON, Body
from tallystick.web.call import Call, Fields
from tallystick.web.device_cookie import device_cookie_name_of, set_device_cookie


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
        self.device_cookie_name = device_cookie_name_of(authority.issuer)

    def credential(self, call: Call) -> Presented:
        """Gives the credential of a request that may change what it wants to.

        Raises:
            CredentialMissing, CredentialMalformed: there is none, or it cannot be read.
            CrossSite: it is a cookie, and the request may come from another site.
        """
        headers = call.scope["headers"]
        found = presented(headers, self.cookie_name)
        if found is None:
            raise CredentialMissing("neither a cookie nor a bearer")
        guard(call.scope["method"], headers, found, self.origin, self.trusted_origins)
        return found

    async def view(self, call: Call) -> SessionView:
        """Gives the session that a request presents; raises Rejected or Unavailable."""
        return await self.authority.session_of(call.scope)

    def cookie(self, call: Call) -> str | None:
        """Gives the session cookie of a request that signs in anew, so that a broken one is no obstacle."""
        return _cookie(call, self.cookie_name)

    def device(self, call: Call) -> str | None:
        """Gives the device cookie of a request, if it carries one."""
        return _cookie(call, self.device_cookie_name)

    def device_field(self, device: Secret | None) -> Fields:
        """Gives the header that sets a device cookie, or none."""
        if device is None:
            return ()
        return ((b"set-cookie", set_device_cookie(self.authority.issuer, device.reveal()).encode()),)

    def demand_own_page(self, call: Call, body: Body) -> None:
        """Refuses a sign-in that another site may have sent (login CSRF).

        Without Fetch Metadata and Origin it needs a JSON body, which a page of another site cannot send without asking.

        Raises:
            CrossSite: another site may have sent it.
        """
        decision = same_origin(call.scope["method"], call.scope["headers"], self.origin, self.trusted_origins)
        if decision is Decision.REFUSED or (decision is Decision.UNDECIDED and body.media_type != JSON):
            raise CrossSite("a sign-in that another site may have sent")


def _cookie(call: Call, name: str) -> str | None:
    cookies = [value for field, value in call.scope["headers"] if field == b"cookie"]
    try:
        return session_cookie(cookies, name)
    except CredentialMalformed:
        return None
