"""`/sign-in` and `/sign-out`."""

from __future__ import annotations

from tallystick.authority.authority import Authority
from tallystick.authority.issued import Pending, SignedIn, Tokens
from tallystick.errors import (
    AuthenticationExpired,
    AuthenticationFailed,
    InvalidRequest,
    Overloaded,
    Throttled,
)
from tallystick.web.bodies import Body
from tallystick.web.call import Call, Reply
from tallystick.web.endpoints.factors import proof_of
from tallystick.web.pages.problems import Problem, problem_of
from tallystick.web.pages.shell import Pages, query_of
from tallystick.web.pages.sign_in.proof import ProofPage

HEADING, LEAD = "One step more", "Your account asks for a second proof that it is you."


class SignIn:
    """The pages of signing in and out.

    Args:
        authority: whose.
        pages: their frame.
    """

    def __init__(self, authority: Authority, pages: Pages) -> None:
        self.authority = authority
        self.pages = pages
        self.proof = ProofPage(pages, "/sign-in", HEADING, LEAD)

    async def start(self, call: Call) -> Reply:
        """GET `/`: to the account of whoever is signed in, else to sign in."""
        return self.pages.go(self.pages.url("/account" if await self.pages.visitor(call) else "/sign-in"))

    async def show(self, call: Call) -> Reply:
        """GET `/sign-in`: the form; who is signed in already may do it again, as somebody else too."""
        return self._form(call, to=self.pages.next_of(query_of(call).get("next")))

    async def send(self, call: Call) -> Reply:
        """POST `/sign-in`: a password, or the second proof."""
        body = self.pages.forms.read(call)
        return await (self._prove(call, body) if body.find_text("pending") else self._password(call, body))

    async def _password(self, call: Call, body: Body) -> Reply:
        email, to = body.find_text("email") or "", self.pages.next_of(body.find_text("next"))
        try:
            done = await self.authority.sign_in(
                email,
                body.find_text("password") or "",
                network=call.network,
                cookie=self.pages.desk.cookie(call),
                stay=body.flag("stay"),
                label=call.label,
                device=self.pages.desk.device(call),
            )
        except (AuthenticationFailed, Throttled, Overloaded, InvalidRequest) as error:
            return self._form(call, email=email, to=to, stay=body.flag("stay"), problem=problem_of(error, "password"))
        if isinstance(done, Pending):
            return self.proof.show(call, self.proof.first(done), to)
        return self.signed(done, to)

    async def _prove(self, call: Call, body: Body) -> Reply:
        to = self.pages.next_of(body.find_text("next"))
        asked = self.proof.read(body)
        try:
            done = await self.authority.prove(
                asked.handle,
                proof_of(body),
                network=call.network,
                cookie=self.pages.desk.cookie(call),
                device=self.pages.desk.device(call),
                label=call.label,
            )
        except AuthenticationExpired as error:
            return self._form(call, to=to, problem=problem_of(error, ""))
        except (AuthenticationFailed, Throttled, InvalidRequest) as error:
            if not asked.methods:
                return self._form(call, to=to, problem=problem_of(error, "", "That passkey did not work here."))
            return self.proof.show(call, asked, to, self.proof.problem(error, body))
        return self.signed(done, to)

    def signed(self, done: SignedIn | Tokens | Pending, to: str | None) -> Reply:
        """Gives the answer that ends a sign-in: the cookie, and on to where it began."""
        if not isinstance(done, SignedIn):
            raise InvalidRequest("a sign-in of an app came by a page")
        return self.pages.go(to or self.pages.url("/account"), self.pages.fields_of(done))

    def _form(
        self, call: Call, *, email: str = "", to: str | None = None, stay: bool = False, problem: Problem | None = None
    ) -> Reply:
        return self.pages.form(
            call,
            "sign_in/sign_in.html",
            problem,
            email=email,
            next=to,
            stay=stay,
            mails=self.pages.mails,
        )

    async def show_sign_out(self, call: Call) -> Reply:
        """GET `/sign-out`: asks first; nothing ends by following a link."""
        visitor = await self.pages.visitor(call)
        if visitor is None:
            return self.pages.go(self.pages.url("/sign-in"))
        return self.pages.page(call, "sign_in/sign_out.html", visitor=visitor)

    async def sign_out(self, call: Call) -> Reply:
        """POST `/sign-out`: ends the session; for one that is over already the answer is the same."""
        self.pages.forms.read(call)
        visitor = await self.pages.visitor(call)
        if visitor is not None:
            await self.authority.sign_out(visitor.view.id)
        return self.pages.go(self.pages.url("/sign-in", done="signed-out"), self.pages.gone())
