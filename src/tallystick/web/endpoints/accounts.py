"""`/sign-up`, `/verify` and `/reset` for programs: an account for whoever asks, an address verified, a password replaced."""

from __future__ import annotations

from tallystick.authority.authority import Authority
from tallystick.web.bodies import JSON, Body, read_body
from tallystick.web.call import Call, Reply, json_reply
from tallystick.web.presenting import Desk


class Accounts:
    """The resource of people.

    Args:
        authority: whose.
        desk: of that authority.
    """

    def __init__(self, authority: Authority, desk: Desk) -> None:
        self.authority = authority
        self.desk = desk

    async def sign_up(self, call: Call) -> Reply:
        """POST `/sign-up`: creates an account; nobody is signed in by it.

        With a mailer the answer is the same whether or not the address is taken; a mail tells its reader how it goes on.
        Without one, an address that is taken is answered with 409: as long as no mail proves who owns an address, another
        answer would be a lie that the next sign-in gives away.
        """
        body = self._body(call)
        account = await self.authority.sign_up(body.text("email"), body.text("password"), network=call.network)
        if account is None:
            return json_reply({"mail": "sent"}, 202)
        return json_reply({"principal": {"id": account.id}}, 201)

    async def verify(self, call: Call) -> Reply:
        """POST `/verify`: makes the account of a sign-up from the link of its mail and the password."""
        body = self._body(call)
        account = await self.authority.verify_address(body.text("link"), body.text("password"), network=call.network)
        return json_reply({"principal": {"id": account.id}}, 201)

    async def reset(self, call: Call) -> Reply:
        """POST `/reset`: with `email` asks for a link, with `link` and `password` replaces a forgotten password."""
        body = self._body(call)
        link = body.find_text("link")
        if link is None:
            await self.authority.ask_for_reset(body.text("email"), network=call.network)
            return json_reply({"mail": "sent"}, 202)
        done = await self.authority.reset_password(link, body.text("password"), network=call.network)
        return json_reply({"principal": {"id": done.account.id}}, more=self.desk.device_field(done.device))

    def _body(self, call: Call) -> Body:
        body = read_body(call.single(b"content-type"), call.body, (JSON,))
        self.desk.demand_own_page(call, body)
        return body
