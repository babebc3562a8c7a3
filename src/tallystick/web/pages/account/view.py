"""`/account`: one's own sessions, and how one signs in."""

from __future__ import annotations

from tallystick.authority.authority import Authority
from tallystick.authority.enrolling import written_passkey_id
from tallystick.core.ids import ClientId, SessionId
from tallystick.errors import AuthenticationFailed, NotFound, Overloaded, PasswordRefused, Throttled
from tallystick.web.bodies import Body
from tallystick.web.call import Call, Reply
from tallystick.web.pages.account.model import session_list
from tallystick.web.pages.problems import Problem, problem_of
from tallystick.web.pages.shell import Pages, Visitor


class AccountPages:
    """The pages of one's own account.

    Args:
        authority: whose.
        pages: their frame.
    """

    def __init__(self, authority: Authority, pages: Pages) -> None:
        self.authority = authority
        self.pages = pages

    async def show(self, call: Call, visitor: Visitor) -> Reply:
        """GET `/account`: sessions and authenticators at a glance."""
        sessions = await self.authority.sessions_of(visitor.account.id)
        clients: dict[ClientId, str] = {}
        for client in {one.client for one in sessions if one.client is not None}:
            found = await self.authority.find_client(client)
            if found is not None:
                clients[client] = found.name
        held = visitor.account.authenticators
        return self.pages.page(
            call,
            "account/overview.html",
            visitor=visitor,
            sessions=session_list(sessions, visitor.view.id, clients, self.pages.place_of),
            account=visitor.account,
            totp=held.totp,
            passkeys=[(written_passkey_id(one), one) for one in held.passkeys],
            codes_left=len(held.recovery),
            second_factor=held.second_factor,
        )

    async def end(self, call: Call, visitor: Visitor, body: Body) -> Reply:
        """POST `/account/sessions/end`: ends one of one's own sessions; another's is not there (404)."""
        wanted = SessionId.parse(body.text("session"))
        own = await self.authority.sessions_of(visitor.account.id)
        if wanted is None or all(one.id != wanted for one in own):
            raise NotFound("no such session of this person")
        await self.authority.sign_out(wanted)
        if wanted == visitor.view.id:
            return self.pages.go(self.pages.url("/sign-in", done="signed-out"), self.pages.gone())
        return self.pages.go(self.pages.url("/account", done="ended"))

    async def end_others(self, call: Call, visitor: Visitor, body: Body) -> Reply:
        """POST `/account/sessions/end-others`: ends all but this one, apps and offline access too."""
        done = await self.authority.end_all_but(visitor.cookie)
        return self.pages.go(self.pages.url("/account", done="ended-others"), self.pages.fields_of(done))

    async def end_all(self, call: Call, visitor: Visitor, body: Body) -> Reply:
        """POST `/account/sessions/end-all`: ends every session, this one too."""
        await self.authority.revoke(visitor.account.id, because="ended all sessions on the account page")
        return self.pages.go(self.pages.url("/sign-in", done="ended-all"), self.pages.gone())

    async def show_password(self, call: Call, visitor: Visitor) -> Reply:
        """GET `/account/password`: the form of a new password."""
        return self._password(call, visitor)

    async def change_password(self, call: Call, visitor: Visitor, body: Body) -> Reply:
        """POST `/account/password`: changes it; every other session ends."""
        old, new = body.find_text("old") or "", body.find_text("new") or ""
        try:
            done = await self.authority.change_password(visitor.cookie, old, new, network=call.network)
        except AuthenticationFailed as error:
            return self._password(call, visitor, problem_of(error, "old", "That is not your password."))
        except PasswordRefused as error:
            return self._password(call, visitor, problem_of(error, "new"))
        except (Throttled, Overloaded) as error:
            return self._password(call, visitor, problem_of(error, "old"))
        return self.pages.go(self.pages.url("/account", done="password"), self.pages.fields_of(done))

    def _password(self, call: Call, visitor: Visitor, problem: Problem | None = None) -> Reply:
        return self.pages.form(
            call,
            "account/password.html",
            problem,
            visitor=visitor,
            password_hint=self.pages.password_hint,
        )
