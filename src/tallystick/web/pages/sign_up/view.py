"""`/sign-up`."""

from __future__ import annotations

from tallystick.authority.authority import Authority
from tallystick.errors import AlreadyExists, InvalidRequest, Overloaded, PasswordRefused, Throttled
from tallystick.web.call import Call, Reply
from tallystick.web.pages.problems import Problem, problem_of
from tallystick.web.pages.shell import Pages, query_of

TAKEN = "There is an account with this address already. Sign in instead."
MAIL = "We have sent a message to {email}. Follow the link in it to confirm that the address is yours."


class SignUpPage:
    """The page of a new account.

    Args:
        authority: whose.
        pages: its frame.
    """

    def __init__(self, authority: Authority, pages: Pages) -> None:
        self.authority = authority
        self.pages = pages

    async def show(self, call: Call) -> Reply:
        """GET `/sign-up`: the form."""
        return self._form(call, to=self.pages.next_of(query_of(call).get("next")))

    async def send(self, call: Call) -> Reply:
        """POST `/sign-up`, as a form: an account, or with a mailer a message that tells how it goes on."""
        body = self.pages.forms.read(call)
        email, to = body.find_text("email") or "", self.pages.next_of(body.find_text("next"))
        try:
            await self.authority.sign_up(email, body.find_text("password") or "", network=call.network)
        except AlreadyExists as error:
            return self._form(call, email, to, problem_of(error, "email", TAKEN))
        except PasswordRefused as error:
            return self._form(call, email, to, problem_of(error, "password"))
        except (InvalidRequest, Throttled, Overloaded) as error:
            return self._form(call, email, to, problem_of(error, "email"))
        if self.pages.mails:
            return self.pages.page(call, "sign_up/mail.html", text=MAIL.format(email=email), again="/sign-up")
        return self.pages.go(self.pages.url("/sign-in", done="signed-up", to=to))

    def _form(self, call: Call, email: str = "", to: str | None = None, problem: Problem | None = None) -> Reply:
        return self.pages.form(
            call,
            "sign_up/sign_up.html",
            problem,
            email=email,
            next=to,
            password_hint=self.pages.password_hint,
        )
