"""Forms: read, and shown to come from our own pages before anything is believed."""

from __future__ import annotations

import hmac
import re
import secrets

from tallystick.core.credentials.cookie import csrf_token_of
from tallystick.errors import CredentialMalformed, CrossSite
from tallystick.http import Decision, same_origin, session_cookie
from tallystick.web.bodies import FORM, Body, read_body
from tallystick.web.call import Call, Fields
from tallystick.web.presenting import Desk

CSRF_FIELD = "csrf"
_VALUE = re.compile(r"[A-Za-z0-9_-]{22}")


class FormGuard:
    """Decides as http.py does, and lets the hidden field `csrf` decide where a browser says nothing.

    Our pages send `Referrer-Policy: no-referrer`, under which a browser sends `Origin: null` with a form, so an old one
    without Fetch Metadata says nothing, too. The field is an HMAC under the session cookie; before there is a session,
    under a cookie that is set for such browsers alone.

    Args:
        desk: of the authority.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        secure = desk.origin.startswith("https://")
        self._name = "__Host-Http-ts-form" if secure else "ts-form"
        self._attributes = "; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if secure else "")

    def token(self, call: Call) -> tuple[str, Fields]:
        """Gives the value of the hidden field for the answer to a request, and the header fields that belong to it."""
        held = self._desk.cookie(call) or self._form_cookie(call)
        if held is not None:
            return csrf_token_of(held), ()
        if b"sec-fetch-site" in call.fields:
            return "", ()
        made = secrets.token_urlsafe(16)
        return csrf_token_of(made), ((b"set-cookie", f"{self._name}={made}{self._attributes}".encode()),)

    def read(self, call: Call) -> Body:
        """Reads a form that comes from our own pages.

        Raises:
            CrossSite: another site may have sent it.
            InvalidRequest: it is no form that can be read.
        """
        body = read_body(call.single(b"content-type"), call.body, (FORM,))
        headers = call.scope["headers"]
        decision = same_origin(call.scope["method"], headers, self._desk.origin, self._desk.trusted_origins)
        says_nothing = b"sec-fetch-site" not in call.fields and call.fields.get(b"origin", b"null") == b"null"
        if decision is Decision.UNDECIDED or (decision is Decision.REFUSED and says_nothing):
            given = (body.find_text(CSRF_FIELD) or "").encode()
            held = (self._desk.cookie(call), self._form_cookie(call))
            if any(one and hmac.compare_digest(csrf_token_of(one).encode(), given) for one in held):
                return body
            raise CrossSite("neither Fetch Metadata nor Origin nor the form's token")
        if decision is Decision.REFUSED:
            raise CrossSite("a form that another site may have sent")
        return body

    def _form_cookie(self, call: Call) -> str | None:
        cookies = [value for name, value in call.scope["headers"] if name == b"cookie"]
        try:
            found = session_cookie(cookies, self._name)
        except CredentialMalformed:
            return None
        return found if found is not None and _VALUE.fullmatch(found) else None
