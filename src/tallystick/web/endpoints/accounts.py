"""`/sign-up`: an account for whoever asks."""

from __future__ import annotations

from tallystick.authority.authority import Authority
from tallystick.web.bodies import JSON, read_body
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

        An address that is taken is answered with 409: as long as no mail proves who owns an address, another answer
        would be a lie that the next sign-in gives away.
        """
        body = read_body(call.single(b"content-type"), call.body, (JSON,))
        self.desk.demand_own_page(call, body)
        account = await self.authority.sign_up(body.text("email"), body.text("password"), network=call.network)
        return json_reply({"principal": {"id": account.id}}, 201)
