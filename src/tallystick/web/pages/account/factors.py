"""The pages that add and remove second factors, and show recovery codes once."""

from __future__ import annotations

import io
from base64 import b64encode

import segno

from tallystick.authority.authority import Authority
from tallystick.authority.enrolling import written_passkey_id
from tallystick.core.secret import Secret
from tallystick.errors import (
    AlreadyExists,
    AuthenticationExpired,
    AuthenticationFailed,
    CrossSite,
    InvalidRequest,
    NotFound,
    Throttled,
)
from tallystick.http import check_fresh
from tallystick.web.bodies import Body
from tallystick.web.call import Call, Reply, json_reply
from tallystick.web.pages.problems import Problem, problem_of
from tallystick.web.pages.shell import Pages, Visitor, query_of

URI_MAX = 512


def qr_code(text: str) -> str:
    """Gives a QR code as a `data:` URI of an SVG picture."""
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="svg", scale=4, border=2, dark="#000", light="#fff", xmldecl=False)
    return "data:image/svg+xml;base64," + b64encode(out.getvalue()).decode()


class FactorPages:
    """The pages of authenticators.

    Args:
        authority: whose.
        pages: their frame.
    """

    def __init__(self, authority: Authority, pages: Pages) -> None:
        self.authority = authority
        self.pages = pages

    def _demand_fresh(self, visitor: Visitor) -> None:
        # Asked on the way in, so that nobody fills in a form and is sent away with it.
        check_fresh(visitor.view, self.authority.world.clock.now(), self.authority.policy.fresh_lifetime)

    async def show_totp(self, call: Call, visitor: Visitor) -> Reply:
        """GET `/account/totp`: what an authenticator app is, or how to remove the one there is."""
        self._demand_fresh(visitor)
        return self.pages.page(
            call, "account/totp.html", visitor=visitor, totp=visitor.account.authenticators.totp, problem=None
        )

    async def begin_totp(self, call: Call, visitor: Visitor, body: Body) -> Reply:
        """POST `/account/totp/begin`: shows a new secret as a QR code."""
        try:
            offer = await self.authority.begin_totp(visitor.cookie)
        except AlreadyExists:
            return self.pages.go(self.pages.url("/account/totp"))
        return self._offer(call, visitor, offer.handle.reveal(), offer.secret.reveal(), offer.uri.reveal())

    async def confirm_totp(self, call: Call, visitor: Visitor, body: Body) -> Reply:
        """POST `/account/totp`: the first code; then the recovery codes, if there were none."""
        handle, secret, uri = body.text("pending"), body.text("secret"), body.text("uri")
        if not uri.startswith("otpauth://totp/") or len(uri) > URI_MAX or len(secret) > URI_MAX:
            raise InvalidRequest("an enrolment that is not ours")
        try:
            codes = await self.authority.confirm_totp(visitor.cookie, handle, body.find_text("code") or "")
        except (AuthenticationFailed, InvalidRequest, Throttled) as error:
            if isinstance(error, AlreadyExists):
                return self.pages.go(self.pages.url("/account"))
            text = "That code is not right. Look at the app again, and at the clock of your device."
            problem = problem_of(error, "code", None if isinstance(error, Throttled) else text)
            return self._offer(call, visitor, handle, secret, uri, problem)
        except AuthenticationExpired:
            return self.pages.go(self.pages.url("/account/totp"))
        return self._codes(call, visitor, codes, "totp-on")

    def _offer(
        self, call: Call, visitor: Visitor, handle: str, secret: str, uri: str, problem: Problem | None = None
    ) -> Reply:
        grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
        return self.pages.form(
            call,
            "account/totp_offer.html",
            problem,
            visitor=visitor,
            pending=handle,
            secret=secret,
            grouped=grouped,
            uri=uri,
            qr=qr_code(uri),
        )

    async def remove_totp(self, call: Call, visitor: Visitor, body: Body) -> Reply:
        """POST `/account/totp/remove`."""
        await self.authority.remove_totp(visitor.cookie)
        return self.pages.go(self.pages.url("/account", done="totp-off"))

    async def show_recovery_codes(self, call: Call, visitor: Visitor) -> Reply:
        """GET `/account/recovery-codes`: what they are, and a button for new ones."""
        self._demand_fresh(visitor)
        held = visitor.account.authenticators
        if not held.second_factor:
            return self.pages.go(self.pages.url("/account"))
        return self.pages.page(
            call,
            "account/recovery.html",
            visitor=visitor,
            left=len(held.recovery),
            made_at=held.recovery_made_at,
        )

    async def renew_recovery_codes(self, call: Call, visitor: Visitor, body: Body) -> Reply:
        """POST `/account/recovery-codes`: new ones, shown once; the old ones are over."""
        return self._codes(call, visitor, await self.authority.renew_recovery_codes(visitor.cookie), "")

    def _codes(self, call: Call, visitor: Visitor, codes: tuple[Secret, ...] | None, done: str) -> Reply:
        if not codes:
            return self.pages.go(self.pages.url("/account", done=done))
        return self.pages.page(
            call, "account/codes.html", visitor=visitor, codes=[code.reveal() for code in codes], done=done
        )

    async def show_new_passkey(self, call: Call, visitor: Visitor) -> Reply:
        """GET `/account/passkeys/new`: a name, and the button that makes one."""
        self._demand_fresh(visitor)
        return self._new_passkey(call, visitor)

    async def begin_passkey(self, call: Call) -> Reply:
        """POST `/account/passkeys/begin`: what the browser needs to make a passkey, in JSON, for the page's script."""
        found = self.pages.desk.credential(call)
        if found.kind != "cookie":
            raise CrossSite("a passkey is added by a browser's session")
        offer = await self.authority.begin_passkey(found.value)
        return json_reply({"pending": offer.handle.reveal(), "passkey_options": offer.options})

    async def confirm_passkey(self, call: Call, visitor: Visitor, body: Body) -> Reply:
        """POST `/account/passkeys`: adds what the browser made; then the recovery codes, if there were none."""
        name = body.find_text("name") or ""
        try:
            codes = await self.authority.confirm_passkey(
                visitor.cookie, body.text("pending"), body.text("passkey"), name
            )
        except (AuthenticationFailed, AuthenticationExpired, InvalidRequest) as error:
            text = "The passkey could not be added. Try again." if isinstance(error, AuthenticationFailed) else None
            return self._new_passkey(call, visitor, name, problem_of(error, "name", text))
        return self._codes(call, visitor, codes, "passkey-added")

    def _new_passkey(self, call: Call, visitor: Visitor, name: str = "", problem: Problem | None = None) -> Reply:
        return self.pages.form(
            call,
            "account/passkey_new.html",
            problem,
            visitor=visitor,
            name=name,
        )

    async def show_remove_passkey(self, call: Call, visitor: Visitor) -> Reply:
        """GET `/account/passkeys/remove?id=…`: asks first."""
        self._demand_fresh(visitor)
        wanted = query_of(call).get("id")
        for one in visitor.account.authenticators.passkeys:
            if written_passkey_id(one) == wanted:
                return self.pages.page(
                    call, "account/passkey_remove.html", visitor=visitor, passkey=one, passkey_id=wanted
                )
        raise NotFound("no such passkey of this person")

    async def remove_passkey(self, call: Call, visitor: Visitor, body: Body) -> Reply:
        """POST `/account/passkeys/remove`."""
        await self.authority.remove_passkey(visitor.cookie, body.text("id"))
        return self.pages.go(self.pages.url("/account", done="passkey-removed"))
