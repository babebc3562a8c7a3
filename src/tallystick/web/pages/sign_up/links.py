"""`/verify`, `/forgot` and `/reset`: what the links in our mail lead to. Without a mailer there are no such pages."""

from __future__ import annotations

from tallystick.authority.authority import Authority
from tallystick.errors import (
    AuthenticationFailed,
    InvalidRequest,
    LinkInvalid,
    NotFound,
    Overloaded,
    PasswordRefused,
    Throttled,
)
from tallystick.web.call import Call, Handler, Reply
from tallystick.web.pages.problems import Problem, problem_of
from tallystick.web.pages.shell import Pages, query_of

MAIL = (
    "If there is an account with the address {email}, a message is on its way to it. "
    "Follow the link in it to choose a new password."
)


class LinkPages:
    """The pages behind links. Opening one changes nothing: mail scanners open links too.

    Args:
        authority: whose.
        pages: their frame.
    """

    def __init__(self, authority: Authority, pages: Pages) -> None:
        self.authority = authority
        self.pages = pages

    def offered(self, handler: Handler) -> Handler:
        """Makes a handler that is there only where mail is sent."""

        async def handle(call: Call) -> Reply:
            if not self.pages.mails:
                raise NotFound("there is no mailer")
            return await handler(call)

        return handle

    async def show_verify(self, call: Call) -> Reply:
        """GET `/verify?link=…`: asks for the password that was chosen."""
        return self._verify(call, query_of(call).get("link", ""))

    async def verify(self, call: Call) -> Reply:
        """POST `/verify`, as a form: makes the account."""
        body = self.pages.forms.read(call)
        link = body.find_text("link") or ""
        try:
            await self.authority.verify_address(link, body.find_text("password") or "", network=call.network)
        except AuthenticationFailed as error:
            return self._verify(call, link, problem_of(error, "password", "That is not the password of the sign-up."))
        except (Throttled, Overloaded) as error:
            return self._verify(call, link, problem_of(error, "password"))
        except LinkInvalid as error:
            return self._verify(call, link, problem_of(error, "", "This link does not work any more. Sign up again."))
        return self.pages.go(self.pages.url("/sign-in", done="verified"))

    def _verify(self, call: Call, link: str, problem: Problem | None = None) -> Reply:
        return self.pages.form(call, "sign_up/verify.html", problem, link=link)

    async def show_forgot(self, call: Call) -> Reply:
        """GET `/forgot`: asks for the address."""
        return self._forgot(call)

    async def forgot(self, call: Call) -> Reply:
        """POST `/forgot`: sends a link, if there is such an account; the answer is the same in either case."""
        body = self.pages.forms.read(call)
        email = body.find_text("email") or ""
        try:
            await self.authority.ask_for_reset(email, network=call.network)
        except (InvalidRequest, Throttled) as error:
            return self._forgot(call, email, problem_of(error, "email"))
        return self.pages.page(call, "sign_up/mail.html", text=MAIL.format(email=email), again="/forgot")

    def _forgot(self, call: Call, email: str = "", problem: Problem | None = None) -> Reply:
        return self.pages.form(call, "sign_up/forgot.html", problem, email=email)

    async def show_reset(self, call: Call) -> Reply:
        """GET `/reset?link=…`: asks for a new password; without a link, to the page that sends one."""
        link = query_of(call).get("link")
        return self.pages.go(self.pages.url("/forgot")) if not link else self._reset(call, link)

    async def reset(self, call: Call) -> Reply:
        """POST `/reset`, as a form: replaces the password, and every session ends."""
        body = self.pages.forms.read(call)
        link = body.find_text("link") or ""
        try:
            done = await self.authority.reset_password(link, body.find_text("password") or "", network=call.network)
        except (PasswordRefused, Throttled, Overloaded) as error:
            return self._reset(call, link, problem_of(error, "password"))
        except LinkInvalid as error:
            return self._reset(call, link, problem_of(error, ""))
        return self.pages.go(self.pages.url("/sign-in", done="reset"), self.pages.desk.device_field(done.device))

    def _reset(self, call: Call, link: str, problem: Problem | None = None) -> Reply:
        return self.pages.form(call, "sign_up/reset.html", problem, link=link, password_hint=self.pages.password_hint)
