"""`/session` and `/session/access-token`: sign in, look, mint, sign out."""

from __future__ import annotations

from typing import Any

from tallystick.authority.authority import Authority
from tallystick.authority.issued import Pending, SignedIn, Tokens
from tallystick.core.credentials.cookie import csrf_token_of
from tallystick.core.credentials.view import SessionView
from tallystick.errors import CredentialExpired, CredentialMissing, InvalidRequest, SessionEnded
from tallystick.http import Presented, set_cookie
from tallystick.identity.account import Account
from tallystick.web.bodies import Body, read_body
from tallystick.web.call import NO_STORE, Call, Fields, Reply, json_reply, token_reply
from tallystick.web.endpoints.factors import incomplete_reply, pending_json, proof_of
from tallystick.web.endpoints.oauth import scope_of
from tallystick.web.presenting import Desk

CLEAR_SITE_DATA = (b"clear-site-data", b'"cache", "storage"')
"""Not `"cookies"`: that would take the cookies of every sibling host too; ours is taken away by name."""


class Sessions:
    """The resource of whoever is signed in.

    Args:
        authority: whose.
        desk: of that authority.
    """

    def __init__(self, authority: Authority, desk: Desk) -> None:
        self.authority = authority
        self.desk = desk

    async def show(self, call: Call) -> Reply:
        """GET `/session`: the session behind a cookie or an access token."""
        credential = self.desk.credential(call)
        view = await self.desk.view(call)
        account = await self.authority.account_of(view)
        return json_reply(session_json(view, account, credential))

    async def sign_in(self, call: Call) -> Reply:
        """POST `/session`: a password becomes a cookie, or with `deliver: tokens` the tokens of a first-party app.

        Where a second factor is wanted the answer is 401 `authentication.incomplete` with a handle; the next request
        carries it as `pending`, with the proof.
        """
        body = read_body(call.single(b"content-type"), call.body)
        deliver = body.find_text("deliver") or "cookie"
        if deliver not in ("cookie", "tokens"):
            raise InvalidRequest("deliver is neither cookie nor tokens", public="deliver is 'cookie' or 'tokens'.")
        if deliver == "cookie":
            self.desk.demand_own_page(call, body)
        pending = body.find_text("pending")
        if pending is not None:
            done: SignedIn | Tokens | Pending = await self._prove(call, body, pending, deliver)
        elif deliver == "tokens":
            done = await self._sign_in_app(call, body)
        else:
            done = await self._sign_in(call, body)
        match done:
            case Pending():
                return incomplete_reply(done)
            case Tokens():
                return token_reply(done)
            case SignedIn():
                cookie = done.cookie.reveal()
                content = session_json(done.view, done.account, Presented("cookie", cookie))
                return json_reply(
                    content, more=(*self.desk.device_field(done.device), self._cookie(cookie, done.max_age))
                )

    async def _sign_in(self, call: Call, body: Body) -> SignedIn | Pending:
        return await self.authority.sign_in(
            body.text("email"),
            body.text("password"),
            network=call.network,
            cookie=self.desk.cookie(call),
            stay=body.flag("stay"),
            label=call.label,
            device=self.desk.device(call),
        )

    async def _sign_in_app(self, call: Call, body: Body) -> Tokens | Pending:
        return await self.authority.sign_in_app(
            body.text("email"),
            body.text("password"),
            client_id=body.text("client_id"),
            scope=scope_of(body.find_text("scope")),
            network=call.network,
            label=call.label,
        )

    async def _prove(self, call: Call, body: Body, pending: str, deliver: str) -> SignedIn | Tokens:
        return await self.authority.prove(
            pending,
            proof_of(body),
            network=call.network,
            cookie=self.desk.cookie(call) if deliver == "cookie" else None,
            deliver="tokens" if deliver == "tokens" else "cookie",
            device=self.desk.device(call),
            label=call.label,
        )

    async def begin_passkey(self, call: Call) -> Reply:
        """POST `/session/passkey`: begins a sign-in by a passkey alone; the answer has its options and a handle."""
        body = read_body(call.single(b"content-type"), call.body)
        self.desk.demand_own_page(call, body)
        begun = await self.authority.begin_passkey_sign_in(
            network=call.network, stay=body.flag("stay"), label=call.label
        )
        return json_reply(pending_json(begun))

    async def sign_out(self, call: Call) -> Reply:
        """DELETE `/session`: ends it. A browser whose session is over already is told the same, and its cookie goes."""
        credential = self.desk.credential(call)
        try:
            view = await self.desk.view(call)
            await self.authority.sign_out(view.id)
        except (SessionEnded, CredentialExpired):
            if credential.kind == "bearer":
                raise
        gone: Fields = ()
        if credential.kind == "cookie":
            secure = self.authority.issuer.startswith("https://")
            gone = (self._cookie("", 0), *((CLEAR_SITE_DATA,) if secure else ()))
        return Reply(204, NO_STORE + gone)

    def _cookie(self, value: str, max_age: int | None) -> tuple[bytes, bytes]:
        return b"set-cookie", set_cookie(self.authority.issuer, value, max_age).encode()

    async def mint(self, call: Call) -> Reply:
        """POST `/session/access-token`: an access token from a cookie; the body may name one registered audience."""
        credential = self.desk.credential(call)
        if credential.kind != "cookie":
            raise CredentialMissing("an access token is minted from a cookie", public="Send the session cookie.")
        content_type = call.single(b"content-type")
        audience = read_body(content_type, call.body).find_text("audience") if call.body or content_type else None
        return token_reply(await self.authority.issue_access_token(credential.value, audience=audience))


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
