"""`/session` and `/session/access-token`: sign in, look, mint, sign out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tallystick.authority.authority import Authority
from tallystick.core.credentials.cookie import csrf_token_of
from tallystick.core.credentials.view import SessionView
from tallystick.errors import (
    CredentialExpired,
    CredentialMissing,
    CrossSite,
    InvalidRequest,
    SessionEnded,
)
from tallystick.http import NO_STORE, Decision, Presented, same_origin, set_cookie
from tallystick.identity.account import Account
from tallystick.web.bodies import JSON, Body, read_body
from tallystick.web.endpoints.oauth import scope_of
from tallystick.web.presenting import Desk, label_of, network_of, single
from tallystick.web.replies import json_reply, token_reply

CLEAR_SITE_DATA = '"cache", "storage"'
"""Not `"cookies"`: that would take the cookies of every sibling host too; ours is taken away by name."""


class Sessions:
    """The resource of whoever is signed in.

    Args:
        authority: whose.
        trusted_origins: whose pages may act for whoever is signed in.
    """

    def __init__(self, authority: Authority, trusted_origins: Collection[str]) -> None:
        self.authority = authority
        self.desk = Desk(authority, trusted_origins)

    async def show(self, request: Request) -> Response:
        """GET `/session`: the session behind a cookie or an access token."""
        credential = self.desk.credential(request)
        view = await self.desk.view(request)
        account = await self.authority.account_of(view)
        return json_reply(session_json(view, account, credential))

    async def sign_in(self, request: Request) -> Response:
        """POST `/session`: a password becomes a cookie, or with `deliver: tokens` the tokens of a first-party app."""
        body = read_body(single(request, "content-type"), await request.body())
        email, password = body.text("email"), body.text("password")
        deliver = body.find_text("deliver") or "cookie"
        if deliver == "tokens":
            return await self._sign_in_app(request, body, email, password)
        if deliver != "cookie":
            raise InvalidRequest("deliver is neither cookie nor tokens", public="deliver is 'cookie' or 'tokens'.")
        demand_own_page(request, self.desk, body)
        signed = await self.authority.sign_in(
            email,
            password,
            network=network_of(request),
            cookie=self.desk.cookie(request),
            stay=body.flag("stay"),
            label=label_of(request),
        )
        cookie = signed.cookie.reveal()
        content = session_json(signed.view, signed.account, Presented("cookie", cookie))
        return json_reply(
            content, headers={**NO_STORE, "Set-Cookie": set_cookie(self.authority.issuer, cookie, signed.max_age)}
        )

    async def _sign_in_app(self, request: Request, body: Body, email: str, password: str) -> Response:
        tokens = await self.authority.sign_in_app(
            email,
            password,
            client_id=body.text("client_id"),
            scope=scope_of(body.find_text("scope")),
            network=network_of(request),
            label=label_of(request),
        )
        return token_reply(tokens)

    async def sign_out(self, request: Request) -> Response:
        """DELETE `/session`: ends it. A browser whose session is over already is told the same, and its cookie goes."""
        credential = self.desk.credential(request)
        try:
            view = await self.desk.view(request)
            await self.authority.sign_out(view.id)
        except (SessionEnded, CredentialExpired):
            if credential.kind == "bearer":
                raise
        headers = dict(NO_STORE)
        if credential.kind == "cookie":
            headers["Set-Cookie"] = set_cookie(self.authority.issuer, "", 0)
            if self.authority.issuer.startswith("https://"):
                headers["Clear-Site-Data"] = CLEAR_SITE_DATA
        return Response(status_code=204, headers=headers)

    async def mint(self, request: Request) -> Response:
        """POST `/session/access-token`: an access token from a cookie; the body may name one registered audience."""
        credential = self.desk.credential(request)
        if credential.kind != "cookie":
            raise CredentialMissing("an access token is minted from a cookie", public="Send the session cookie.")
        raw = await request.body()
        content_type = single(request, "content-type")
        audience = read_body(content_type, raw).find_text("audience") if raw or content_type else None
        return token_reply(await self.authority.issue_access_token(credential.value, audience=audience))


def demand_own_page(request: Request, desk: Desk, body: Body) -> None:
    """Refuses a sign-in that another site may have sent (login CSRF).

    Without Fetch Metadata and Origin it needs a JSON body, which a page of another site cannot send without asking.

    Raises:
        CrossSite: another site may have sent it.
    """
    decision = same_origin(request.method, request.scope["headers"], desk.origin, desk.trusted_origins)
    if decision is Decision.REFUSED or (decision is Decision.UNDECIDED and body.media_type != JSON):
        raise CrossSite("a sign-in that another site may have sent")


def session_json(view: SessionView, account: Account | None, credential: Presented) -> dict[str, Any]:
    """Gives the JSON of a session: itself, whose it is, and for a cookie the token against cross-site requests."""
    principal: dict[str, Any] = {"id": view.principal}
    if account is not None:
        principal |= {"email": account.email, "permissions": sorted(account.permissions)}
    content: dict[str, Any] = {
        "session": {
            "id": view.id,
            "client": view.client,
            "credential": view.credential,
            "scopes": sorted(view.scopes),
            "authenticated_at": view.authenticated_at,
            "acr": view.acr,
            "amr": list(view.amr),
            "expires_at": view.expires_at,
        },
        "principal": principal,
    }
    if credential.kind == "cookie":
        content["csrf"] = csrf_token_of(credential.value)
    return content
