"""`/step-up`: a fresh proof of who is signed in, then back to where it was wanted."""

from __future__ import annotations

from tallystick.authority.authority import Authority
from tallystick.authority.issued import SignedIn
from tallystick.errors import (
    AuthenticationExpired,
    AuthenticationFailed,
    AuthenticationIncomplete,
    InvalidRequest,
    Overloaded,
    Throttled,
)
from tallystick.web.bodies import Body
from tallystick.web.call import Call, Reply
from tallystick.web.endpoints.factors import proof_of
from tallystick.web.pages.problems import Problem, problem_of
from tallystick.web.pages.shell import Pages, Visitor, query_of
from tallystick.web.pages.sign_in.proof import ProofPage, asked

HEADING, LEAD = "Confirm that it is you", "What you are about to do needs a fresh proof."


class StepUpPage:
    """The page that asks again.

    Args:
        authority: whose.
        pages: its frame.
    """

    def __init__(self, authority: Authority, pages: Pages) -> None:
        self.authority = authority
        self.pages = pages
        self.proof = ProofPage(pages, "/step-up", HEADING, LEAD)

    async def show(self, call: Call, visitor: Visitor) -> Reply:
        """GET `/step-up`: asks for the password, or for a second factor after a button."""
        return self._ask(call, visitor, self.pages.next_of(query_of(call).get("next")))

    async def send(self, call: Call, visitor: Visitor, body: Body) -> Reply:
        """POST `/step-up`: takes the proof; a form without one begins (nothing is written by a GET)."""
        to = self.pages.next_of(body.find_text("next"))
        if body.find_text("pending") is not None:
            return await self._prove(call, visitor, body, to)
        if visitor.account.authenticators.second_factor:
            begun = await self.authority.begin_step_up(visitor.cookie)
            if begun.handle is not None:
                wanted = asked(begun.handle.reveal(), begun.methods, begun.passkey_options)
                return self.proof.show(call, wanted, to, visitor=visitor)
        try:
            done = await self.authority.step_up(visitor.cookie, body.find_text("password") or "", network=call.network)
        except (AuthenticationFailed, AuthenticationIncomplete, Throttled, Overloaded, InvalidRequest) as error:
            text = "That is not your password." if isinstance(error, AuthenticationFailed) else None
            return self._ask(call, visitor, to, problem_of(error, "password", text))
        return self._done(done, to)

    async def _prove(self, call: Call, visitor: Visitor, body: Body, to: str | None) -> Reply:
        wanted = self.proof.read(body)
        try:
            done = await self.authority.prove(
                wanted.handle, proof_of(body), network=call.network, cookie=visitor.cookie
            )
        except AuthenticationExpired as error:
            return self._ask(call, visitor, to, problem_of(error, ""))
        except (AuthenticationFailed, Throttled, InvalidRequest) as error:
            return self.proof.show(call, wanted, to, self.proof.problem(error, body), visitor)
        if not isinstance(done, SignedIn):
            raise InvalidRequest("a sign-in of an app came by a page")
        return self._done(done, to)

    def _done(self, done: SignedIn, to: str | None) -> Reply:
        return self.pages.go(to or self.pages.url("/account", done="confirmed"), self.pages.fields_of(done))

    def _ask(self, call: Call, visitor: Visitor, to: str | None, problem: Problem | None = None) -> Reply:
        return self.pages.form(
            call,
            "sign_in/step_up.html",
            problem,
            visitor=visitor,
            next=to,
            second_factor=visitor.account.authenticators.second_factor,
        )
